package ftpd_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/textproto"
	"os"
	"testing"

	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/session"
)

func mode(m int) options {
	return options{tls: true, cfg: func(c *ftpd.Config) { c.Bindings[0].TLSMode = m }}
}

// trust is what a client needs to verify the certificate of s.
func (s *server) trust(t testing.TB) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(s.certs)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

// roundTrip uploads and downloads and compares.
func roundTrip(t *testing.T, c *conn) {
	t.Helper()
	c.stor("content", "STOR a")
	c.stor("", "STOR empty")
	if got := c.get("RETR a"); got != "content" {
		t.Errorf("fetched %q", got)
	}
	if got := c.get("RETR empty"); got != "" {
		t.Errorf("fetched %q", got)
	}
	if got := c.get("NLST"); got != "a\r\nempty\r\n" {
		t.Errorf("listed %q", got)
	}
}

func TestExplicitTLS(t *testing.T) {
	s := start(t, mode(0))
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.cmd(503, "AUTH TLS")
	c.login()
	roundTrip(t, c)
	c.cmd(200, "PROT C")
	c.tls = nil
	roundTrip(t, c)
	c.cmd(504, "PROT X")
	c.cmd(536, "PROT E")
	c.cmd(200, "PROT p")
	c.tls = s.trust(t)
	roundTrip(t, c)

	plain := login(t, s)
	roundTrip(t, plain)
	plain.cmd(503, "AUTH TLS") // too late
	plain = dial(t, s)
	plain.cmd(504, "AUTH KERBEROS_V4")
}

func TestRequiredTLS(t *testing.T) {
	s := start(t, mode(1))
	plain := dial(t, s)
	if text := plain.cmd(421, "USER %s", testUser); text != "TLS is required" {
		t.Errorf("reply %q", text)
	}
	plain.ended()
	plain = dial(t, s)
	plain.cmd(421, "PASS %s", testPassword)
	plain.ended()

	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	roundTrip(t, c)
	c.cmd(200, "PROT C")
	c.tls = nil
	for _, cmd := range []string{"RETR a", "STOR b", "LIST", "MLSD"} {
		d := c.data("%s", cmd)
		c.expect(421)
		d.Close()
	}
	c.cmd(550, "SIZE b")
}

// A transfer that is refused for want of TLS leaves what is stored as it is.
func TestRequiredTLSKeepsFiles(t *testing.T) {
	o := mode(1)
	o.session = func(c *session.Config) { c.UploadMode = 0 }
	s := start(t, o)
	s.write(t, "a", "old")
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	c.cmd(200, "PROT C")
	for _, cmd := range []string{"STOR a", "APPE a", "STOR new", "STOU", "RETR a", "LIST"} {
		c.epsv()
		c.cmd(421, "%s", cmd)
	}
	if got := s.read(t, "a"); got != "old" {
		t.Errorf("%q is stored", got)
	}
	c.cmd(200, "PROT P")
	c.stor("new", "STOR a")
	s.events.take(t, 1) // and none of what was refused
}

func TestImplicitTLS(t *testing.T) {
	s := start(t, mode(2))
	cfg := s.trust(t)
	tcp, err := tls.Dial("tcp", s.addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c := &conn{t: t, tcp: tcp, text: textproto.NewConn(tcp), tls: cfg}
	c.expect(220)
	c.login()
	roundTrip(t, c)
	c.cmd(503, "AUTH TLS")
	c.cmd(534, "PROT C") // it would have no effect, and the client wait in vain
	c.cmd(200, "PROT P")
	roundTrip(t, c)

	plain, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Write([]byte("USER a\r\n")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, _ := plain.Read(b); n > 3 && string(b[:3]) == "220" {
		t.Errorf("served in clear text: %q", b[:n])
	}
}

// What was sent in clear text after AUTH must not be taken for a command inside
// TLS (RFC 4217, section 15; CVE-2011-0411 in other servers).
func TestNoInjectionBeforeTLS(t *testing.T) {
	s := start(t, mode(0))
	c := dial(t, s)
	if _, err := c.tcp.Write([]byte("AUTH TLS\r\nUSER mallory\r\nNOOP\r\n")); err != nil {
		t.Fatal(err)
	}
	c.expect(234)
	c.upgrade(s.trust(t))
	c.cmd(211, "FEAT") // the first reply inside TLS, unless something was injected
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	s := start(t, mode(2))
	for _, tt := range []struct {
		name string
		cfg  func(c *tls.Config)
		ok   bool
	}{
		{"TLS 1.3", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, true},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		{"TLS 1.1", func(c *tls.Config) { c.MinVersion = tls.VersionTLS10; c.MaxVersion = tls.VersionTLS11 }, false},
		{"ALPN ftp", func(c *tls.Config) { c.NextProtos = []string{"ftp"} }, true},
		{"a browser", func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }, false},
	} {
		cfg := s.trust(t)
		tt.cfg(cfg)
		conn, err := tls.Dial("tcp", s.addr, cfg)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v, want success %v", tt.name, err, tt.ok)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// Clients that demand it can resume the session of the control connection.
func TestTLSResumption(t *testing.T) {
	s := start(t, mode(0))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := s.trust(t)
		cfg.MaxVersion = version
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(10)
		c := dial(t, s)
		c.authTLS(cfg)
		c.login()
		d := c.data("NLST")
		c.expect(150)
		if err := d.(*tls.Conn).Handshake(); err != nil {
			t.Fatal(err)
		}
		if !d.(*tls.Conn).ConnectionState().DidResume {
			t.Errorf("%s: data connection did not resume the session", tls.VersionName(version))
		}
		d.Close()
		c.expect(226)
	}
}

func TestReload(t *testing.T) {
	s := start(t, mode(0))
	old := s.trust(t)
	c := dial(t, s)
	c.authTLS(old)
	c.login()

	writeCertificate(t, s.cfgDir)
	if err := s.ftp.Reload(); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c) // with the old one
	fresh := dial(t, s)
	fresh.authTLS(s.trust(t))
	fresh.login()

	if err := os.WriteFile(s.certs, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	trust := fresh.tls
	if err := s.ftp.Reload(); err == nil {
		t.Error("a broken certificate was loaded")
	}
	again := dial(t, s)
	again.authTLS(trust)
	again.login()
}

// With tls_session_reuse a data connection must resume the session of its own
// control connection; one that does not, or that resumes another's, gets nothing
// and stores nothing.
func TestSessionReuseRequired(t *testing.T) {
	s := start(t, options{tls: true, cfg: func(c *ftpd.Config) { c.Bindings[0].TLSSessionReuse = 1 }})
	s.write(t, "a", "content")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		resuming := func() *conn {
			cfg := s.trust(t)
			cfg.MaxVersion = version
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(10)
			c := dial(t, s)
			c.authTLS(cfg)
			c.login()
			return c
		}
		c := resuming()
		for range 3 {
			roundTrip(t, c)
		}
		s.events.take(t, 12)
		for _, other := range []*tls.Config{s.trust(t), resuming().tls} {
			c := resuming()
			c.tls = other
			d := c.data("STOR b")
			c.expect(150)
			_, _ = d.Write([]byte("x")) // may fail
			c.expect(522)
			d.Close()
			d = c.data("RETR a")
			c.expect(150)
			if n, err := d.Read(make([]byte, 10)); n > 0 || err == nil {
				t.Errorf("%s: read %d bytes, %v", tls.VersionName(version), n, err)
			}
			c.expect(522)
			d.Close()
			if _, err := os.Stat(s.path("b")); err == nil {
				t.Errorf("%s: stored", tls.VersionName(version))
			}
			s.events.take(t, 2)
		}
	}
	plain := login(t, s) // clear text is another matter: see tls_mode
	roundTrip(t, plain)
}

// Active mode is TLS as well, with the client as the one who listens.
func TestActiveTLS(t *testing.T) {
	s := start(t, options{tls: true, cfg: func(c *ftpd.Config) { c.Bindings[0].TLSSessionReuse = 1 }})
	s.write(t, "a", "content")
	cfg := s.trust(t)
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(10)
	c := dial(t, s)
	c.authTLS(cfg)
	c.login()
	for _, tt := range []struct {
		cfg  *tls.Config
		code int
		want string
	}{{cfg, 226, "content"}, {s.trust(t), 522, ""}} {
		l := listen(t, "127.0.0.1:0")
		c.cmd(200, "PORT %s", portArg(l.Addr()))
		c.send("RETR a")
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(tls.Client(d, tt.cfg)) // the refused one fails
		d.Close()
		c.expect(150)
		c.expect(tt.code)
		if string(b) != tt.want {
			t.Errorf("fetched %q", b)
		}
	}
}
