//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// The benchmarks run the real program in a process of its own and count the
// processor time of that process alone: wall time says more about the machine,
// and about the client, than about the server.

// bigFile is large enough for a login not to count.
const bigFile = 512 << 20

// contender is a server that does the same work as the others.
type contender struct {
	name string // empty for ours
	cost func() time.Duration
	once func()
}

// compare lets the contenders take turns, and reports megabytes per second of
// processor time, and how many times those of the others ours are. The best turn
// of each counts: whatever else the machine does only adds to the cost.
func compare(b *testing.B, contenders ...contender) {
	for _, c := range contenders { // warm: memory is touched for the first time, sessions of TLS are made
		c.once()
	}
	best := make([]time.Duration, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			begin := c.cost()
			c.once()
			if used := c.cost() - begin; best[i] == 0 || used < best[i] {
				best[i] = used
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all together, which nobody wants to know
	for i, c := range contenders {
		unit := "MB/cpu-s"
		if i > 0 {
			unit = c.name + "-MB/cpu-s"
			b.ReportMetric(best[i].Seconds()/best[0].Seconds(), "x-"+c.name)
		}
		b.ReportMetric(bigFile/1e6/best[i].Seconds(), unit)
	}
}

// sources makes the file that is sent and the one that is fetched.
func sources(b *testing.B, homes ...string) (local string) {
	local = filepath.Join(memoryDir(b), "source")
	makeFile(b, local, bigFile)
	for _, home := range homes {
		makeFile(b, filepath.Join(home, "stored"), bigFile)
	}
	return local
}

// BenchmarkSFTP moves a big file with OpenSSH's client, which chooses the cipher
// that it likes best of those that a server offers. sshd is the peer, as it is
// and with the cipher that our server makes the client choose.
func BenchmarkSFTP(b *testing.B) {
	if _, err := exec.LookPath("sftp"); err != nil {
		b.Skip("OpenSSH's sftp is not installed")
	}
	for _, way := range []string{"upload", "download"} {
		b.Run(way, func(b *testing.B) {
			s := startMeasured(b)
			local := sources(b, s.home)
			ours := contender{
				cost: s.process.cpu,
				once: func() { openSSH(b, s.sftp, s.keyFile, measuredUser, batch(way, local, "")) },
			}
			contenders := []contender{ours}
			if p, key := startSSHD(b); p != nil {
				makeFile(b, filepath.Join(p.home, "stored"), bigFile)
				for name, flags := range map[string][]string{"sshd": nil, "sshd-gcm": {"-c", "aes128-gcm@openssh.com"}} {
					contenders = append(contenders, contender{name, p.cost, func() {
						openSSH(b, p.addr, key, "root", batch(way, local, p.home), flags...)
					}})
				}
			}
			compare(b, contenders...)
			if way == "upload" {
				s.expect("sent", bigFile)
			}
		})
	}
}

// batch is what the client is told: below dir on the server.
func batch(way, local, dir string) string {
	if way == "upload" {
		return fmt.Sprintf("put %s %s/sent\n", local, dir)
	}
	return fmt.Sprintf("get %s/stored %s\n", dir, local+".fetched")
}

func openSSH(b *testing.B, addr, keyFile, user, commands string, flags ...string) {
	host, port, _ := net.SplitHostPort(addr)
	args := append([]string{
		"-q", "-b", "-", "-P", port, "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
		"-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oIdentityFile=" + keyFile,
	}, flags...)
	cmd := exec.Command("sftp", append(args, user+"@"+host)...)
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("sftp: %v\n%s", err, out)
	}
}

// BenchmarkSFTPPackets moves a big file with a client that uses packets of 32
// KiB, as most clients do, and of 255 KiB.
func BenchmarkSFTPPackets(b *testing.B) {
	for _, packet := range []int{32 << 10, 255 << 10} {
		options := []sftp.ClientOption{sftp.MaxPacketUnchecked(packet), sftp.UseConcurrentWrites(true)}
		b.Run(fmt.Sprintf("%dKiB/upload", packet>>10), func(b *testing.B) {
			s := startMeasured(b)
			c := s.dialSFTP(options...)
			compare(b, contender{"", s.process.cpu, func() {
				f, err := c.Create("/sent")
				must(b, err)
				_, err = f.ReadFromWithConcurrency(io.LimitReader(endless{}, bigFile), 32)
				must(b, err)
				must(b, f.Close())
			}})
			s.expect("sent", bigFile)
		})
		b.Run(fmt.Sprintf("%dKiB/download", packet>>10), func(b *testing.B) {
			s := startMeasured(b)
			makeFile(b, filepath.Join(s.home, "stored"), bigFile)
			c := s.dialSFTP(options...)
			compare(b, contender{"", s.process.cpu, func() {
				f, err := c.Open("/stored")
				must(b, err)
				n, err := f.WriteTo(struct{ io.Writer }{io.Discard})
				must(b, err)
				must(b, f.Close())
				if n != bigFile {
					b.Fatal(n)
				}
			}})
		})
	}
}

// BenchmarkFTP moves a big file in clear and over TLS. vsftpd is the peer. Both
// are logged in before: a login with a password is a benchmark of its own.
func BenchmarkFTP(b *testing.B) {
	for _, secure := range []bool{false, true} {
		for _, way := range []string{"upload", "download"} {
			b.Run(map[bool]string{false: "clear/", true: "tls/"}[secure]+way, func(b *testing.B) {
				s := startMeasured(b)
				local := sources(b, s.home)
				c := dialFTP(b, ftpLogin{s.ftp, measuredUser, secretOfAll, secure})
				contenders := []contender{{"", s.process.cpu, func() { c.move(way, local, "/sent") }}}
				if p := startVSFTPD(b); p != nil {
					makeFile(b, filepath.Join(p.home, "stored"), bigFile)
					c := dialFTP(b, ftpLogin{p.addr, "ftp", "x", secure})
					contenders = append(contenders, contender{"vsftpd", p.process.family, func() {
						must(b, os.RemoveAll(filepath.Join(p.home, "in/sent"))) // anonymous clients replace nothing
						c.move(way, local, "/in/sent")
					}})
				}
				compare(b, contenders...)
				if way == "upload" {
					s.expect("sent", bigFile)
				}
			})
		}
	}
}

func (c *ftpClient) move(way, local, name string) {
	if way == "upload" {
		c.store(local, name)
	} else if n := c.retrieve("/stored"); n != bigFile {
		c.b.Fatalf("%d bytes came", n)
	}
}

// BenchmarkDAV moves a big file over WebDAV in clear text.
func BenchmarkDAV(b *testing.B) {
	b.Run("upload", func(b *testing.B) {
		s := startMeasured(b)
		local := sources(b)
		c := s.webDAV()
		compare(b, contender{"", s.process.cpu, func() {
			f, err := os.Open(local)
			must(b, err)
			defer f.Close()
			c.put("/sent", f, bigFile)
		}})
		s.expect("sent", bigFile)
	})
	b.Run("download", func(b *testing.B) {
		s := startMeasured(b)
		makeFile(b, filepath.Join(s.home, "stored"), bigFile)
		c := s.webDAV()
		compare(b, contender{"", s.process.cpu, func() {
			if n := c.get("/stored"); n != bigFile {
				b.Fatalf("%d bytes came", n)
			}
		}})
	})
}

// davClient is the least that moves a file over WebDAV.
type davClient struct {
	b    *testing.B
	addr string
	http *http.Client
}

func (s *measuredServer) webDAV() *davClient {
	return &davClient{s.b, s.dav, &http.Client{Transport: &http.Transport{}}}
}

func (c *davClient) do(method, name string, body io.Reader, size int64) *http.Response {
	req, err := http.NewRequestWithContext(c.b.Context(), method, "http://"+c.addr+name, body)
	must(c.b, err)
	req.ContentLength = size
	req.SetBasicAuth(measuredUser, secretOfAll)
	resp, err := c.http.Do(req)
	must(c.b, err)
	return resp
}

func (c *davClient) put(name string, body io.Reader, size int64) {
	resp := c.do(http.MethodPut, name, body, size)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		c.b.Fatal(resp.Status)
	}
}

func (c *davClient) get(name string) int64 {
	resp := c.do(http.MethodGet, name, nil, 0)
	defer resp.Body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{resp.Body}, make([]byte, 256<<10))
	must(c.b, err)
	return n
}

const (
	smallFile    = 4 << 10
	filesPerTurn = 125
	parallel     = 8
)

// BenchmarkSmallFiles uploads files of 4 KiB in eight sessions at a time.
// files/s is what the clients see. cpu-µs/file is what the server has used when
// all events are delivered; hook-µs/file is what the hook programs have used.
func BenchmarkSmallFiles(b *testing.B) {
	for _, proto := range []string{"sftp", "dav"} {
		for _, hook := range []string{"none", "http", "program"} {
			for _, mode := range []string{"0", "1"} {
				for _, quota := range []string{"0", "1"} {
					name := fmt.Sprintf("%s/hook=%s/mode=%s/quota=%s", proto, hook, mode, quota)
					b.Run(name, func(b *testing.B) {
						smallFiles(b, proto, hook, "COMMON__UPLOAD_MODE="+mode, "DATA_PROVIDER__TRACK_QUOTA="+quota)
					})
				}
			}
		}
	}
}

func smallFiles(b *testing.B, proto, hook string, settings ...string) {
	var posted atomic.Int64
	switch hook {
	case "http":
		endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
		b.Cleanup(endpoint.Close)
		settings = append(settings, "COMMON__ACTIONS__HOOK="+endpoint.URL)
	case "program":
		program, err := exec.LookPath("true")
		must(b, err)
		settings = append(settings, "COMMON__ACTIONS__HOOK="+program)
	}
	if hook != "none" {
		settings = append(settings, "COMMON__ACTIONS__EXECUTE_ON=upload")
	}
	s := startMeasured(b, settings...)
	clients := s.uploaders(proto)
	turn := 0
	upload := func() {
		var sessions sync.WaitGroup
		for i, upload := range clients {
			sessions.Go(func() {
				for n := range filesPerTurn {
					upload(fmt.Sprintf("/f%d-%d-%d", turn, i, n))
				}
			})
		}
		sessions.Wait()
		turn++
	}
	delivered := func() {
		for hook != "none" && s.metric("sftpgo_hook_deliveries_total") < float64(turn*parallel*filesPerTurn) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	upload() // warm: logins of WebDAV are remembered, connections to the hook are open
	delivered()
	begin, programs := s.process.cpu(), s.process.children()
	var wall time.Duration
	for b.Loop() {
		start := time.Now()
		upload()
		wall += time.Since(start)
		delivered()
	}
	files := float64(b.N * parallel * filesPerTurn)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(files/wall.Seconds(), "files/s")
	b.ReportMetric(float64((s.process.cpu()-begin).Microseconds())/files, "cpu-µs/file")
	if hook == "program" {
		b.ReportMetric(float64((s.process.children()-programs).Microseconds())/files, "hook-µs/file")
	}
	if hook == "http" && posted.Load() < int64(files) {
		b.Fatalf("%d events of %v files", posted.Load(), files)
	}
}

// uploaders returns one function for each session, which uploads a small file.
func (s *measuredServer) uploaders(proto string) []func(name string) {
	content := make([]byte, smallFile)
	list := make([]func(string), parallel)
	for i := range list {
		if proto == "dav" {
			c := s.webDAV()
			list[i] = func(name string) { c.put(name, bytes.NewReader(content), smallFile) }
			continue
		}
		c := s.dialSFTP()
		list[i] = func(name string) {
			f, err := c.Create(name)
			must(s.b, err)
			_, err = f.Write(content)
			must(s.b, err)
			must(s.b, f.Close())
		}
	}
	return list
}

// BenchmarkIdleSessions reports the memory for a client that is logged in, has
// an SFTP session and does nothing.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 500
	for b.Loop() {
		s := startMeasured(b)
		resident, live := s.memory()
		for range sessions {
			_, err := s.dialSFTP().Stat("/")
			must(b, err)
		}
		residentThen, liveThen := s.memory()
		b.ReportMetric((residentThen-resident)/sessions/1024, "rss-KiB/session")
		b.ReportMetric((liveThen-live)/sessions/1024, "live-KiB/session")
		b.ReportMetric(residentThen/1e6, "rss-MB")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBusySessions reports what the server holds when many sessions have
// moved a file each way at once and are still there.
func BenchmarkBusySessions(b *testing.B) {
	const sessions, size = 100, 16 << 20
	for b.Loop() {
		s := startMeasured(b)
		makeFile(b, filepath.Join(s.home, "stored"), size)
		var all sync.WaitGroup
		for i := range sessions {
			c := s.dialSFTP(sftp.MaxPacketUnchecked(255<<10), sftp.UseConcurrentWrites(true))
			all.Go(func() {
				f, err := c.Create(fmt.Sprintf("/sent%d", i))
				must(b, err)
				_, err = f.ReadFromWithConcurrency(io.LimitReader(endless{}, size), 64)
				must(b, err)
				must(b, f.Close())
				f, err = c.Open("/stored")
				must(b, err)
				_, err = f.WriteTo(struct{ io.Writer }{io.Discard})
				must(b, err)
				must(b, f.Close())
			})
		}
		all.Wait()
		resident, live := s.memory()
		b.ReportMetric(resident/1e6, "rss-MB")
		b.ReportMetric(live/1e6, "live-MB")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLogin reports what one SSH connection costs up to the first answer of
// SFTP: with a key, and with a password under the default hash.
func BenchmarkLogin(b *testing.B) {
	for _, method := range []string{"key", "password"} {
		b.Run(method, func(b *testing.B) {
			s := startMeasured(b)
			auth := []ssh.AuthMethod{ssh.PublicKeys(s.signer)}
			if method == "password" {
				auth = []ssh.AuthMethod{ssh.Password(secretOfAll)}
			}
			begin := s.process.cpu()
			for b.Loop() {
				conn, err := ssh.Dial("tcp", s.sftp, &ssh.ClientConfig{
					User: measuredUser, Auth: auth, HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the benchmark's own server
				})
				must(b, err)
				c, err := sftp.NewClient(conn)
				must(b, err)
				_, err = c.Stat("/")
				must(b, err)
				must(b, conn.Close())
			}
			b.ReportMetric((s.process.cpu()-begin).Seconds()*1e3/float64(b.N), "cpu-ms/login")
		})
	}
}
