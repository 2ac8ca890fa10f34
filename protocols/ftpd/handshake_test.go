package ftpd_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"sftpgo/actions"
)

// A data connection that ends before its TLS handshake has sent nothing, not an
// empty file: who has died, or was cut, must not empty what is stored.
func TestNoHandshake(t *testing.T) {
	s := start(t, options{tls: true})
	s.write(t, "a", "old")
	s.write(t, "empty", "")
	s.write(t, "none/x", "")
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	for _, tt := range []struct {
		cmd  string
		kind actions.Kind // "": none
	}{
		{"STOR a", actions.UploadFailed}, {"STOR new", actions.UploadFailed}, {"APPE a", actions.UploadPart},
		{"RETR a", actions.DownloadDone}, {"RETR empty", actions.DownloadDone},
		{"LIST", ""}, {"NLST none/y*", ""}, {"MLSD none", ""},
	} {
		d, err := net.Dial("tcp", c.epsv())
		if err != nil {
			t.Fatal(err)
		}
		c.send("%s", tt.cmd)
		c.expect(150)
		d.Close()
		if text := c.expect(426); strings.Contains(text, "EOF") {
			t.Errorf("%s: %q", tt.cmd, text)
		}
		if tt.kind == "" {
			continue
		}
		if e := s.events.take(t, 1)[0]; e.Kind != tt.kind || e.Result.Status != actions.StatusError {
			t.Errorf("%s: event %s, status %d", tt.cmd, e.Kind, e.Result.Status)
		}
	}
	if got := s.read(t, "a"); got != "old" {
		t.Errorf("%q is stored", got)
	}
	s.events.take(t, 0)
}

// Who has begun TLS and has nothing to send may go at once.
func TestEmptyUploadWithoutHandshake(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := start(t, options{tls: true})
		c := dial(t, s)
		c.authTLS(s.trust(t))
		c.login()
		tcp, err := net.Dial("tcp", c.epsv())
		if err != nil {
			t.Fatal(err)
		}
		cfg := s.trust(t)
		cfg.MaxVersion = version
		hello := &helloOnly{Conn: tcp}
		if tls.Client(hello, cfg).Handshake() == nil || !hello.sent {
			t.Fatal("no hello was sent, or more")
		}
		c.send("STOR empty")
		c.expect(150)
		if err := tcp.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.expect(226)
		tcp.Close()
		if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadDone || e.Result.Size != 0 {
			t.Errorf("event %s, size %d", e.Kind, e.Result.Size)
		}
	}
}

// helloOnly ends for its client after the first record, and for nobody else.
type helloOnly struct {
	net.Conn
	sent bool
}

func (h *helloOnly) Write(p []byte) (int, error) {
	h.sent = true
	return h.Conn.Write(p)
}

func (*helloOnly) Read([]byte) (int, error) { return 0, io.EOF }

// A client that is gone when the server closes its side of an active connection
// reads how the transfer has ended, and no address.
func TestActiveTLSClientHasGone(t *testing.T) {
	s := start(t, options{tls: true})
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	for _, tt := range []struct {
		whole bool
		kind  actions.Kind
		code  int
	}{{true, actions.UploadDone, 226}, {false, actions.UploadFailed, 426}} {
		l := listen(t, "127.0.0.1:0")
		c.cmd(200, "PORT %s", portArg(l.Addr()))
		c.send("STOR a")
		tcp, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		d := tls.Client(tcp, s.trust(t))
		c.expect(150)
		if _, err := io.WriteString(d, "content"); err != nil {
			t.Fatal(err)
		}
		if tt.whole {
			if err := d.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := tcp.(*net.TCPConn).SetLinger(0); err != nil { // a reset
			t.Fatal(err)
		}
		tcp.Close()
		if text := c.expect(tt.code); strings.Contains(text, "127.0.0.1") {
			t.Errorf("reply %q", text)
		}
		if e := s.events.take(t, 1)[0]; e.Kind != tt.kind {
			t.Errorf("event %s", e.Kind)
		}
	}
}
