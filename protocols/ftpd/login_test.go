package ftpd_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/session"
)

func TestGreeting(t *testing.T) {
	s := start(t, options{})
	tcp, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	b := make([]byte, 100)
	n, _ := tcp.Read(b)
	if got, want := string(b[:n]), "220 SFTPGo 1.2.3 ready\r\n"; got != want {
		t.Errorf("greeting %q, want %q", got, want)
	}
}

func TestBannerFile(t *testing.T) {
	s := start(t, options{cfg: func(c *ftpd.Config) {
		file := filepath.Join(t.TempDir(), "banner")
		if err := os.WriteFile(file, []byte("Hello\nthere\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Banner, c.BannerFile = "not this", file
	}})
	c := &conn{t: t}
	c.tcp, _ = net.Dial("tcp", s.addr)
	defer c.tcp.Close()
	b := make([]byte, 100)
	n := 0
	for !strings.Contains(string(b[:n]), "220 ") {
		m, err := c.tcp.Read(b[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if got, want := string(b[:n]), "220-Hello\r\n220 there\r\n"; got != want {
		t.Errorf("greeting %q, want %q", got, want)
	}
}

func TestNewFindsFaults(t *testing.T) {
	tests := []struct {
		name, want string
		cfg        ftpd.Config
		binding    int
	}{
		{"no such binding", "binding 1", ftpd.Config{Bindings: []ftpd.Binding{{}}}, 1},
		{"banner file", "banner", ftpd.Config{Bindings: []ftpd.Binding{{}}, BannerFile: "missing"}, 0},
		{"certificate", "certificate", ftpd.Config{Bindings: []ftpd.Binding{{}}, CertificateFile: "missing", CertificateKeyFile: "missing"}, 0},
		{"authorities", "authorities", ftpd.Config{Bindings: []ftpd.Binding{{}}, CACertificates: []string{"missing"}}, 0},
		{"revocation list", "revocation list", ftpd.Config{Bindings: []ftpd.Binding{{}}, CARevocationLists: []string{"missing"}}, 0},
	}
	for _, tt := range tests {
		_, err := ftpd.New(tt.cfg, tt.binding, nil, nil, "1", t.TempDir(), discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want one about %q", tt.name, err, tt.want)
		}
	}
}

// An unknown user, a wrong password and a disabled account look the same.
func TestLoginRefused(t *testing.T) {
	s := start(t, options{})
	disabled := start(t, options{user: func(u *dataprovider.User) { u.Status = 0 }})
	denied := start(t, options{user: func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{"FTP"} }})
	tests := []struct {
		name, user, pass string
		s                *server
	}{
		{"wrong password", testUser, "wrong", s},
		{"unknown user", "bob", testPassword, s},
		{"no user", "", testPassword, s},
		{"disabled", testUser, testPassword, disabled},
		{"protocol denied", testUser, testPassword, denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, tt.s)
			c.cmd(331, "USER %s", tt.user)
			if text := c.cmd(530, "PASS %s", tt.pass); text != "Authentication error" {
				t.Errorf("reply %q tells more than it should", text)
			}
			c.ended()
		})
	}
}

func TestNothingBeforeLogin(t *testing.T) {
	s := start(t, options{})
	c := dial(t, s)
	for _, cmd := range []string{
		"LIST", "RETR a", "STOR a", "PASV", "EPSV", "PORT 127,0,0,1,200,1", "CWD /", "PWD", "DELE a",
		"MKD a", "STAT a", "SIZE a", "REST 1", "AVBL", "ALLO 1", "SITE CHMOD 777 a", "HASH a",
	} {
		c.cmd(530, "%s", cmd)
	}
	c.cmd(200, "NOOP")
	c.cmd(221, "QUIT")
}

// USER begins another login (RFC 959, 4.1.1), PASS alone none.
func TestSecondLogin(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) { u.MaxSessions = 1 }})
	s.write(t, "d/f", "x")
	c := login(t, s)
	c.cmd(503, "PASS %s", testPassword)
	c.cmd(250, "CWD d")
	c.cmd(331, "USER %s", testUser)
	for _, cmd := range []string{"PWD", "SIZE f", "LIST", "DELE f", "MLST f", "STAT f", "SITE HELP", "EPSV"} {
		c.cmd(530, "%s", cmd)
	}
	c.cmd(200, "NOOP")
	c.cmd(331, "USER %s", testUser) // and again
	c.cmd(230, "PASS %s", testPassword)
	if text := c.cmd(257, "PWD"); !strings.HasPrefix(text, `"/" `) {
		t.Errorf("PWD %q", text)
	}
	if got := c.get("RETR d/f"); got != "x" {
		t.Errorf("%q", got)
	}
	s.events.take(t, 1)
	c.cmd(331, "USER bob")
	c.cmd(530, "PASS wrong")
	c.ended()
}

// What is under way ends under the first login.
func TestSecondLoginDuringUpload(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	d := begin(t, s, c, "STOR a")
	c.send("USER %s", testUser)
	if _, err := io.WriteString(d, "the end"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	c.expect(226)
	c.expect(331)
	c.cmd(230, "PASS %s", testPassword)
	if got := s.read(t, "a"); !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestMaxSessions(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) { u.MaxSessions = 1 }})
	first := login(t, s)
	second := dial(t, s)
	second.cmd(331, "USER %s", testUser)
	if text := second.cmd(421, "PASS %s", testPassword); text != "too many sessions" {
		t.Errorf("reply %q", text)
	}
	second.ended()
	first.cmd(221, "QUIT")
	first.ended()
	// The place is free once the server has seen the end of the first.
	for range 100 {
		c := dial(t, s)
		c.cmd(331, "USER %s", testUser)
		if code, _ := c.reply("PASS %s", testPassword); code == 230 {
			return
		}
	}
	t.Error("the place of a session that has ended is not free")
}

func TestMaxTotalConnections(t *testing.T) {
	s := start(t, options{session: func(c *session.Config) { c.MaxTotalConnections = 1 }})
	login(t, s)
	c := dial(t, s)
	c.cmd(331, "USER %s", testUser)
	c.cmd(421, "PASS %s", testPassword)
}

// One address cannot fill the server with connections that never log in: the
// oldest goes, and whoever shares the address gets in. Those that have logged in do
// not count.
func TestTooManyBeforeLogin(t *testing.T) {
	s := start(t, options{})
	known := login(t, s)
	oldest := dial(t, s)
	for range 256 {
		dial(t, s)
	}
	oldest.expect(421)
	oldest.ended()
	login(t, s)
	known.cmd(200, "NOOP")
}

func TestHTTPOnTheControlPort(t *testing.T) {
	s := start(t, options{})
	c := dial(t, s)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nUSER %s\r\nPASS %s\r\nDELE /a", testUser, testPassword)
	c.ended()
}

// What is said to everybody does not name what runs here, beyond the version
// that the greeting has.
func TestFeatures(t *testing.T) {
	s := start(t, options{tls: true})
	c := login(t, s)
	text := c.cmd(211, "FEAT")
	for _, want := range []string{"UTF8", "SIZE", "MDTM", "REST STREAM", "EPRT", "EPSV", "MLSD", "MLST", "MFMT", "AUTH TLS", "PBSZ", "PROT", "AVBL"} {
		if !strings.Contains(text, want) {
			t.Errorf("FEAT lacks %s:\n%s", want, text)
		}
	}
	c.cmd(200, "STRU F")
	c.cmd(200, "MODE S")
	c.cmd(504, "MODE Z")
	c.cmd(200, "OPTS UTF8 ON")
	c.cmd(200, "TYPE A")
	c.cmd(200, "TYPE I")
	c.cmd(500, "SITE CHMOD 777 a")
	c.cmd(502, "HASH a")
	c.cmd(502, "COMB a b")
}
