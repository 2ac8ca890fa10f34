package ftpd_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// socketful is more than the buffers of a connection hold.
const socketful = 32 << 20

func withQuota(u *dataprovider.User) { u.QuotaSize = 100_000 }

// A client that only writes until it is through can do so, and then reads why the
// upload failed. Nothing of it counts.
func TestRefusedWhileSending(t *testing.T) {
	for _, tt := range []struct {
		name   string
		secure bool
		fault  error
		code   int
	}{
		{"quota", false, nil, 552},
		{"quota, TLS", true, nil, 552},
		{"disk full", false, vfs.ErrNoSpace, 552},
		{"storage", false, vfs.ErrUnavailable, 451},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &faults{}
			o := options{tls: true, factory: f.wrap, user: withQuota}
			if tt.fault != nil {
				o.user = nil
				f.set("readfrom", tt.fault, false)
			}
			s := start(t, o)
			c := dial(t, s)
			if tt.secure {
				c.authTLS(s.trust(t))
			}
			c.login()
			d := c.data("STOR large")
			c.expect(150)
			for range socketful / 64 / 1024 {
				if _, err := d.Write(make([]byte, 64<<10)); err != nil {
					t.Fatalf("the server does not let the client finish: %v", err)
				}
			}
			d.Close()
			c.expect(tt.code)
			e := s.events.take(t, 1)[0]
			if e.Kind != actions.UploadFailed || e.Result.Size != 0 {
				t.Errorf("event %s with %d bytes", e.Kind, e.Result.Size)
			}
			u, err := s.store.Usage().Get(t.Context(), testUser)
			if err != nil || u.Amount != (dataprovider.Amount{}) {
				t.Errorf("usage %+v, %v", u.Amount, err)
			}
			f.set("", nil, false)
			c.stor("small", "STOR small")
		})
	}
}

// endless sends until the server has had enough.
func endless(d net.Conn) (sent int64, err error) {
	return io.Copy(struct{ io.Writer }{d}, zeros{})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// What is refused is not read for ever.
func TestRefusedEndless(t *testing.T) {
	s := start(t, options{user: withQuota})
	c := login(t, s)
	d := c.data("STOR large")
	c.expect(150)
	sent, err := endless(d)
	if err == nil || sent > 1<<30 {
		t.Errorf("%d bytes, then %v", sent, err)
	}
	c.expect(552)
	c.cmd(200, "NOOP")
}

// refused begins an upload that fails, and whose client goes on to send.
func refused(t *testing.T, s *server, c *conn) net.Conn {
	t.Helper()
	d := c.data("STOR large")
	c.expect(150)
	if _, err := d.Write(bytes.Repeat([]byte("x"), 4<<20)); err != nil {
		t.Fatal(err)
	}
	if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadFailed {
		t.Fatalf("event %s", e.Kind)
	}
	return d
}

// The end of what is read and dropped does not wait for a client that stalls.
func TestRefusedThenStalled(t *testing.T) {
	t.Run("ABOR", func(t *testing.T) {
		s := start(t, options{user: withQuota})
		c := login(t, s)
		refused(t, s, c)
		c.send("ABOR")
		c.expect(426)
		c.expect(226)
		c.stor("small", "STOR small")
	})
	t.Run("client gone", func(t *testing.T) {
		s := start(t, options{user: withQuota})
		c := login(t, s)
		refused(t, s, c)
		c.tcp.Close()
		s.stopWithin(t, 20*time.Second)
	})
	t.Run("server stops", func(t *testing.T) {
		s := start(t, options{user: withQuota})
		c := login(t, s)
		refused(t, s, c)
		s.stopWithin(t, 20*time.Second)
	})
}

func (s *server) stopWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	begun := time.Now()
	s.shutdown(t)
	if took := time.Since(begun); took > limit {
		t.Errorf("shutdown took %v", took)
	}
}

// The bandwidth limit of the user holds for what is dropped.
func TestRefusedAtTheLimit(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) {
		u.QuotaSize = 1000
		u.UploadBandwidth = 1024 // KiB/s
	}})
	c := login(t, s)
	begun := time.Now()
	code, text := c.put(strings.Repeat("x", 4<<20), "STOR large")
	if took := time.Since(begun); code != 552 || took < time.Second {
		t.Errorf("%d %s after %v", code, text, took)
	}
}
