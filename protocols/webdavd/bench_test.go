//go:build unix

package webdavd_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sftpgo/protocols/session"
)

const benchSize = 256 << 20

// cpu is the processor time that this process has used, its children not
// included: the client of these benchmarks is one.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// transfer runs curl b.N times and reports what a CPU second of the server moves.
func transfer(b *testing.B, args ...string) {
	b.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		b.Skip("curl is not installed")
	}
	args = append([]string{"-sS", "--fail", "-u", "alice:" + password, "-H", "Expect:"}, args...)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	start := cpu(b)
	for b.Loop() {
		if out, err := exec.Command(curl, args...).CombinedOutput(); err != nil {
			b.Fatalf("curl: %v %s", err, out)
		}
	}
	used := cpu(b) - start
	b.ReportMetric(float64(b.N)*benchSize/1e6/used.Seconds(), "MB/cpu-s")
}

func BenchmarkPut(b *testing.B) {
	r := newRig(b, session.Config{UploadMode: 1})
	src := filepath.Join(b.TempDir(), "src")
	if err := os.WriteFile(src, make([]byte, benchSize), 0o600); err != nil {
		b.Fatal(err)
	}
	transfer(b, "-T", src, r.url+"/big")
}

func BenchmarkGet(b *testing.B) {
	r := newRig(b, session.Config{})
	if err := os.WriteFile(filepath.Join(r.home, "big"), make([]byte, benchSize), 0o600); err != nil {
		b.Fatal(err)
	}
	transfer(b, "-o", "/dev/null", r.url+"/big")
}

// discard is a ResponseWriter that counts.
type discard struct {
	header http.Header
	status int
	bytes  int64
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(s int)   { d.status = s }
func (d *discard) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return len(p), nil
}

func BenchmarkPropfind10000(b *testing.B) {
	r := newRig(b, session.Config{})
	for i := range 10_000 {
		r.write(fmt.Sprintf("dir/file with a usual name %d.txt", i), "")
	}
	req, err := http.NewRequest("PROPFIND", r.url+"/dir", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Depth", "1")
	req.SetBasicAuth("alice", password)
	req.Body = http.NoBody
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{header: http.Header{}}
		r.server.ServeHTTP(w, req)
		if w.status != http.StatusMultiStatus || w.bytes < 1<<20 {
			b.Fatalf("status %d, %d bytes", w.status, w.bytes)
		}
	}
}
