//go:build unix

package ftpd_test

import (
	"crypto/tls"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

const benchSize = 256 << 20

// cpuTime is what the process, client included, has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs f, which moves benchSize bytes, and reports MB per second of CPU
// time: unlike the wall clock it does not depend on what else runs.
func measure(b *testing.B, f func()) {
	b.Helper()
	f() // warm caches
	b.SetBytes(benchSize)
	b.ReportAllocs()
	b.ResetTimer()
	begin := cpuTime(b)
	n := 0
	for b.Loop() {
		f()
		n++
	}
	used := cpuTime(b) - begin
	b.ReportMetric(float64(n)*benchSize/1e6/used.Seconds(), "MB/cpu-s")
}

func benchmarks(b *testing.B, run func(b *testing.B, s *server, c *conn)) {
	for _, way := range []string{"clear", "TLS"} {
		b.Run(way, func(b *testing.B) {
			s := start(b, mode(0))
			c := dial(b, s)
			if way == "TLS" {
				trust := s.trust(b)
				trust.ClientSessionCache = tls.NewLRUClientSessionCache(10)
				c.authTLS(trust)
			}
			c.login()
			run(b, s, c)
		})
	}
}

func BenchmarkDownload(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *server, c *conn) {
		if err := os.WriteFile(s.path("a"), make([]byte, benchSize), 0o644); err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 256<<10)
		measure(b, func() {
			d := c.data("RETR a")
			c.expect(150)
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{d}, buf)
			if n != benchSize || err != nil {
				b.Fatal(n, err)
			}
			d.Close()
			c.expect(226)
		})
	})
}

func BenchmarkUpload(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *server, c *conn) {
		buf := make([]byte, 1<<20)
		measure(b, func() {
			d := c.data("STOR a")
			c.expect(150)
			for range benchSize / len(buf) {
				if _, err := d.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			d.Close()
			c.expect(226)
		})
	})
}

func BenchmarkListing10000(b *testing.B) {
	s := start(b, options{})
	for i := range 10_000 {
		if err := os.WriteFile(s.path(time.Duration(i).String()), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	c := login(b, s)
	b.ReportAllocs()
	for b.Loop() {
		c.get("LIST")
	}
}
