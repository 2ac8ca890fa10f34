package session_test

import (
	"fmt"
	"os"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// benchSession is a session whose home is in memory where the host has that.
func benchSession(b *testing.B, change ...func(*dataprovider.User)) (*session.Session, string) {
	b.Helper()
	home := b.TempDir()
	if dir, err := os.MkdirTemp("/dev/shm", "session"); err == nil {
		b.Cleanup(func() { os.RemoveAll(dir) })
		home = dir
	}
	r := newRigAt(b, home, session.Config{}, change...)
	return r.open(), home
}

// pieces are what SFTP clients send and ask for: the default of most, and the most
// that OpenSSH takes. One byte shows what is spent on a piece of any size.
func pieces() []int { return []int{1, 32 << 10, 255 << 10} }

const benchFile = 64 << 20

// BenchmarkTransfer measures one piece through the session. "file" is the same on
// a bare *os.File: the difference is what the session costs.
func BenchmarkTransfer(b *testing.B) {
	quota := func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = 1<<40, 1000 }
	for _, size := range pieces() {
		p := make([]byte, size)
		run := func(name string, f func(b *testing.B, i int64) error) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for i := int64(0); b.Loop(); i++ {
					if err := f(b, i*int64(size)%(benchFile-int64(size))); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		s, home := benchSession(b)
		bare, err := os.Create(home + "/bare")
		if err != nil {
			b.Fatal(err)
		}
		defer bare.Close()
		if err := bare.Truncate(benchFile); err != nil {
			b.Fatal(err)
		}
		run("write/file", func(_ *testing.B, off int64) error { _, err := bare.WriteAt(p, off); return err })
		up := benchUpload(b, s)
		run("write/session", func(_ *testing.B, off int64) error { _, err := up.WriteAt(p, off); return err })
		limited, _ := benchSession(b, quota)
		upq := benchUpload(b, limited)
		run("write/quota", func(_ *testing.B, off int64) error { _, err := upq.WriteAt(p, off); return err })
		run("read/file", func(_ *testing.B, off int64) error { _, err := bare.ReadAt(p, off); return err })
		down, err := s.Download(b.Context(), "/bare")
		if err != nil {
			b.Fatal(err)
		}
		run("read/session", func(_ *testing.B, off int64) error { _, err := down.ReadAt(p, off); return err })
		if err := down.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchUpload(b *testing.B, s *session.Session) *session.Transfer {
	b.Helper()
	t, err := s.Upload(b.Context(), "/up", put)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { t.Close() })
	return t
}
