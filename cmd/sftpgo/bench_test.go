//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
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
