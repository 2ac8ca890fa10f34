//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// compare reports megabytes per second of processor time, and how many times
// those of the others ours are.
func compare(b *testing.B, contenders ...contender) {
	best := bestTurns(b, contenders)
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

// perUnit is compare for figures that are costs: one turn is amount units, and
// reported is the processor time of one unit, and what part of that of each other
// contender ours is.
func perUnit(b *testing.B, unit string, amount float64, contenders ...contender) {
	best := bestTurns(b, contenders)
	reportUnits(b, "cpu", unit, amount, best, contenders)
}

// wallPerUnit is perUnit for the time that a client waits.
func wallPerUnit(b *testing.B, unit string, amount float64, contenders ...contender) {
	begin := time.Now()
	for i := range contenders {
		contenders[i].cost = func() time.Duration { return time.Since(begin) }
	}
	reportUnits(b, "wall", unit, amount, bestTurns(b, contenders), contenders)
}

func reportUnits(b *testing.B, what, unit string, amount float64, best []time.Duration, contenders []contender) {
	scale, name := 1.0, what+"-s/"+unit
	if best[0].Seconds()/amount < 0.1 {
		scale, name = 1e6, what+"-µs/"+unit
	}
	b.ReportMetric(0, "ns/op") // of all together, which nobody wants to know
	for i, c := range contenders {
		if i == 0 {
			b.ReportMetric(best[0].Seconds()/amount*scale, name)
			continue
		}
		b.ReportMetric(best[i].Seconds()/amount*scale, c.name+"-"+name)
		b.ReportMetric(best[0].Seconds()/best[i].Seconds(), "of-"+c.name)
	}
}

// bestTurns lets the contenders take turns, and returns the cost of the best turn
// of each: whatever else the machine does only adds to it.
func bestTurns(b *testing.B, contenders []contender) []time.Duration {
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
	return best
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
