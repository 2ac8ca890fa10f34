package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

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
// SFTP: with a key, with a password under the default hash, and with the same
// password again, which the server remembers for some minutes.
func BenchmarkLogin(b *testing.B) {
	b.Run("key", func(b *testing.B) {
		s := startMeasured(b)
		repeatLogin(b, s, ssh.PublicKeys(s.signer))
	})
	b.Run("password", func(b *testing.B) {
		const users = 8
		var used time.Duration
		for b.Loop() {
			s := startMeasured(b)
			for i := range users {
				s.addUser(b, fmt.Sprint("user", i))
			}
			begin := s.process.cpu()
			for i := range users {
				s.login(fmt.Sprint("user", i), ssh.Password(secretOfAll))
			}
			used += s.process.cpu() - begin
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(used.Seconds()*1e3/float64(b.N)/users, "cpu-ms/login")
	})
	b.Run("password-again", func(b *testing.B) {
		s := startMeasured(b)
		repeatLogin(b, s, ssh.Password(secretOfAll))
	})
}

func repeatLogin(b *testing.B, s *measuredServer, method ssh.AuthMethod) {
	s.login(measuredUser, method)
	begin := s.process.cpu()
	for b.Loop() {
		s.login(measuredUser, method)
	}
	b.ReportMetric((s.process.cpu()-begin).Seconds()*1e3/float64(b.N), "cpu-ms/login")
}

// login connects, asks one thing and leaves.
func (s *measuredServer) login(user string, method ssh.AuthMethod) {
	conn, err := ssh.Dial("tcp", s.sftp, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{method}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the benchmark's own server
	})
	must(s.b, err)
	c, err := sftp.NewClient(conn)
	must(s.b, err)
	_, err = c.Stat("/")
	must(s.b, err)
	must(s.b, conn.Close())
}
