//go:build unix

package sshd_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// fileSize is what one iteration moves.
const fileSize = 256 << 20

func quiet(s *setup) { s.logger = slog.New(slog.DiscardHandler) }

// cpu is the processor time of this process, without its children.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs the iterations and reports megabytes per CPU second: of server
// and client together when both are in this process, and otherwise of the server
// alone.
func measure(b *testing.B, once func()) {
	b.Helper()
	b.SetBytes(fileSize)
	b.ReportAllocs()
	begin := cpu(b)
	for b.Loop() {
		once()
	}
	used := cpu(b) - begin
	b.ReportMetric(float64(b.N)*fileSize/1e6/used.Seconds(), "MB/cpu-s")
}

func (r *rig) sparse(b *testing.B, path string) {
	must(b, os.WriteFile(path, nil, 0o644))
	must(b, os.Truncate(path, fileSize))
}

// zeros is an endless file; io.Copy finds no shortcut round it.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func BenchmarkInProcess(b *testing.B) {
	for _, packet := range []int{32 << 10, 255 << 10} {
		b.Run(fmt.Sprintf("upload/%dKiB", packet>>10), func(b *testing.B) {
			r := start(b, quiet)
			c := r.sftp(sftp.MaxPacketUnchecked(packet), sftp.UseConcurrentWrites(true))
			measure(b, func() {
				f, err := c.Create("/f")
				must(b, err)
				_, err = f.ReadFromWithConcurrency(io.LimitReader(zeros{}, fileSize), 32)
				must(b, err)
				must(b, f.Close())
			})
		})
		b.Run(fmt.Sprintf("download/%dKiB", packet>>10), func(b *testing.B) {
			r := start(b, quiet)
			r.sparse(b, filepath.Join(r.home, "f"))
			c := r.sftp(sftp.MaxPacketUnchecked(packet))
			measure(b, func() {
				f, err := c.Open("/f")
				must(b, err)
				n, err := f.WriteTo(struct{ io.Writer }{io.Discard})
				must(b, err)
				if n != fileSize {
					b.Fatal(n)
				}
				must(b, f.Close())
			})
		})
	}
}

// BenchmarkOpenSSH uses the client of OpenSSH, so the figures are of the server
// alone. What a login costs is in them.
func BenchmarkOpenSSH(b *testing.B) {
	for _, flag := range []string{"-s", "-O"} {
		for _, way := range []string{"upload", "download"} {
			b.Run(way+map[string]string{"-s": "/sftp", "-O": "/scp"}[flag], func(b *testing.B) {
				r := start(b, quiet)
				local := filepath.Join(b.TempDir(), "f")
				r.sparse(b, local)
				r.sparse(b, filepath.Join(r.home, "g"))
				args := []string{flag, local, host + ":/f"}
				if way == "download" {
					args = []string{flag, host + ":/g", "/dev/null"}
				}
				measure(b, func() {
					if _, stderr, err := r.client("scp", "", args...); err != nil {
						b.Fatalf("%v\n%s", err, stderr)
					}
				})
			})
		}
	}
}

// BenchmarkIdleSessions reports the memory that the server keeps for a client
// that is logged in, has an SFTP session and does nothing. The clients are in
// another process.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 500
	r := start(b, quiet)
	for b.Loop() {
		before := inUse()
		cmd := exec.Command(os.Args[0], "-test.run=^TestIdleClients$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("IDLE_CLIENTS=%d %s %s", sessions, r.addr, r.keyFile))
		in, err := cmd.StdinPipe()
		must(b, err)
		out, err := cmd.StdoutPipe()
		must(b, err)
		must(b, cmd.Start())
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			b.Fatal(line, err)
		}
		after := inUse()
		b.ReportMetric(float64(after-before)/sessions, "B/session")
		must(b, in.Close())
		must(b, cmd.Wait())
	}
}

func inUse() uint64 {
	debug.FreeOSMemory()
	time.Sleep(200 * time.Millisecond)
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestIdleClients is the other process of BenchmarkIdleSessions.
func TestIdleClients(t *testing.T) {
	text := os.Getenv("IDLE_CLIENTS")
	if text == "" {
		t.Skip("not a test of its own: it holds the clients of a benchmark")
	}
	var sessions int
	var addr, keyFile string
	_, err := fmt.Sscan(text, &sessions, &addr, &keyFile)
	must(t, err)
	pem, err := os.ReadFile(keyFile)
	must(t, err)
	key, err := ssh.ParsePrivateKey(pem)
	must(t, err)
	for range sessions {
		conn, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{
			User: username, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
			HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the benchmark's own server
		})
		must(t, err)
		defer conn.Close()
		c, err := sftp.NewClient(conn)
		must(t, err)
		_, err = c.Stat("/")
		must(t, err)
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	must(t, err)
}
