package ftpd_test

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/session"
)

// begin starts an upload and waits until the server has got the first part.
func begin(t *testing.T, s *server, c *conn, cmd string) net.Conn {
	t.Helper()
	d := c.data("%s", cmd)
	c.expect(150)
	if _, err := io.WriteString(d, strings.Repeat("x", 100_000)); err != nil {
		t.Fatal(err)
	}
	return d
}

func reset(d net.Conn) {
	_ = d.(*net.TCPConn).SetLinger(0)
	d.Close()
}

// An upload that is cut is a failed one: nothing is published, the old file
// stays, the event says so.
func TestCutUpload(t *testing.T) {
	tests := []struct {
		name string
		cut  func(c *conn, d net.Conn)
	}{
		{"data connection reset", func(c *conn, d net.Conn) {
			reset(d)
			c.expect(426)
		}},
		{"ABOR", func(c *conn, d net.Conn) {
			c.send("ABOR")
			c.expect(426)
			c.expect(226)
			c.cmd(200, "NOOP")
		}},
		{"ABOR with Telnet synch", func(c *conn, d net.Conn) {
			c.send("\xff\xf4\xff\xf2ABOR")
			c.expect(426)
			c.expect(226)
		}},
		{"control connection closed", func(c *conn, d net.Conn) { c.tcp.Close() }},
		{"control connection reset", func(c *conn, d net.Conn) { reset(c.tcp) }},
		{"both reset", func(c *conn, d net.Conn) { reset(d); reset(c.tcp) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, options{})
			s.write(t, "old", "old content")
			c := login(t, s)
			d := begin(t, s, c, "STOR old")
			tt.cut(c, d)
			e := s.events.take(t, 1)[0]
			if e.Kind != actions.UploadFailed || e.Result.Status != actions.StatusError {
				t.Errorf("event %s with status %d", e.Kind, e.Result.Status)
			}
			if got := s.read(t, "old"); got != "old content" {
				t.Errorf("the old file has %d bytes now", len(got))
			}
			s.shutdown(t)
			if left, _ := os.ReadDir(s.home); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What arrived of an upload can be resumed in mode 2.
func TestCutUploadResumed(t *testing.T) {
	s := start(t, options{session: func(c *session.Config) { c.UploadMode = 2 }})
	c := login(t, s)
	d := begin(t, s, c, "STOR a")
	time.Sleep(50 * time.Millisecond) // a reset drops what the server has not read yet
	reset(d)
	c.expect(426)
	e := s.events.take(t, 1)[0]
	if e.Kind != actions.UploadPart || e.Result.Size == 0 {
		t.Fatalf("event %s, size %d", e.Kind, e.Result.Size)
	}
	size := c.cmd(213, "SIZE a")
	c.cmd(350, "REST %s", size)
	c.stor("the end", "STOR a")
	if got := s.read(t, "a"); !strings.HasSuffix(got, "xxthe end") || e.Result.Size+7 != int64(len(got)) {
		t.Errorf("resumed file has %d bytes, the first part had %d", len(got), e.Result.Size)
	}
}

func TestCutDownload(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  func(c *conn, d net.Conn)
	}{
		{"data connection closed", func(c *conn, d net.Conn) { d.Close(); c.expect(426) }},
		{"ABOR", func(c *conn, d net.Conn) { c.send("ABOR"); c.expect(426); c.expect(226) }},
		{"control connection closed", func(c *conn, d net.Conn) { c.tcp.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, options{})
			s.write(t, "a", strings.Repeat("x", 64<<20))
			c := login(t, s)
			d := c.data("RETR a")
			c.expect(150)
			if _, err := io.ReadFull(d, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			tt.cut(c, d)
			e := s.events.take(t, 1)[0]
			if e.Kind != actions.DownloadDone || e.Result.Status != actions.StatusError || e.Result.Size >= 64<<20 {
				t.Errorf("event %s, status %d, size %d", e.Kind, e.Result.Status, e.Result.Size)
			}
		})
	}
}

// A client that goes in the middle of anything leaves no goroutine, no
// descriptor and no session behind: shutdown waits for all of them.
func TestClientsThatLeave(t *testing.T) {
	s := start(t, options{})
	for range 20 {
		c := login(t, s)
		c.epsv()
		reset(c.tcp)
		c = dial(t, s)
		c.send("USER %s", testUser)
		reset(c.tcp)
		c = login(t, s)
		c.epsv()
		c.send("STOR a") // waits for a data connection that never comes
		c.tcp.Close()
	}
	begun := time.Now()
	s.shutdown(t)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	s.empty(t)
}

// Under TLS the end of the connection alone is no end: the client has died, or
// somebody has cut it. But many clients always end so, and it takes the setting.
func TestCutTLS(t *testing.T) {
	for _, tt := range []struct {
		setting, code int
		kind          actions.Kind
		stored        string
	}{
		{1, 426, actions.UploadFailed, "old"}, {0, 226, actions.UploadDone, "half"},
	} {
		s := start(t, options{tls: true, cfg: func(c *ftpd.Config) { c.Bindings[0].TLSEnd = tt.setting }})
		s.write(t, "a", "old")
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := s.trust(t)
			cfg.MaxVersion = version
			c := dial(t, s)
			c.authTLS(cfg)
			c.login()
			d := c.data("STOR a")
			c.expect(150)
			if _, err := io.WriteString(d, "half"); err != nil {
				t.Fatal(err)
			}
			if err := d.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			c.expect(tt.code)
			if got := s.read(t, "a"); got != tt.stored {
				t.Errorf("tls_end %d: %q is stored", tt.setting, got)
			}
			if e := s.events.take(t, 1)[0]; e.Kind != tt.kind {
				t.Errorf("tls_end %d: event %s", tt.setting, e.Kind)
			}
			c.stor("old", "STOR a") // with a proper end
			s.events.take(t, 1)
		}
	}
}

// A client that is killed closes its connections with clean ends, the control
// connection first.
func TestKilledClient(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := start(t, options{tls: true})
		s.write(t, "a", "old")
		for range 20 {
			c := dial(t, s)
			if secure {
				c.authTLS(s.trust(t))
			}
			c.login()
			d := c.data("STOR a")
			c.expect(150)
			if _, err := io.WriteString(d, "half"); err != nil {
				t.Fatal(err)
			}
			if under, ok := d.(*tls.Conn); ok {
				d = under.NetConn()
			}
			c.tcp.Close()
			d.Close()
			if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadFailed {
				t.Fatalf("event %s", e.Kind)
			}
		}
		if got := s.read(t, "a"); got != "old" {
			t.Errorf("%q is stored", got)
		}
	}
}

// ABOR that comes while a transfer is being refused is answered after it, and both
// replies are whole.
func TestAbortOfARefusedTransfer(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "content")
	c := login(t, s)
	for range 200 {
		for _, cmd := range []string{"RETR missing", "STOR missing/x", "LIST missing", "STOR ../../x"} {
			c.epsv()
			c.send("%s\r\nABOR\r\nNOOP", cmd)
			code, text, err := c.text.ReadResponse(0)
			if code != 550 && code != 553 && code != 425 { // ABOR may have closed the way for the data
				t.Fatalf("%s: %d %q %v", cmd, code, text, err)
			}
			c.expect(226)
			c.expect(200)
		}
	}
	if got := c.get("RETR a"); got != "content" {
		t.Errorf("fetched %q", got)
	}
}
