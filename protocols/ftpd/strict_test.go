package ftpd_test

import (
	"net"
	"os"
	"strings"
	"testing"
)

// REST is about the transfer that follows, be it refused because of its name.
func TestRestartOfARefusedName(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "0123456789")
	c := login(t, s)
	for _, cmd := range []string{"STOR ../../x", "APPE a\x00b", "RETR ../x", "STOR "} {
		s.write(t, "a", "0123456789")
		c.cmd(350, "REST 3")
		d := c.data("%s", cmd)
		if code, text, _ := c.text.ReadResponse(0); code != 553 && code != 501 {
			t.Errorf("%s: %d %s", cmd, code, text)
		}
		d.Close()
		c.stor("AB", "STOR a")
		if got := s.read(t, "a"); got != "AB" {
			t.Errorf("after %q, STOR: %q is stored", cmd, got)
		}
	}
}

// A name that is missing is not the working directory.
func TestMissingName(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	c.cmd(257, "MKD d")
	c.cmd(250, "CWD d")
	for _, verb := range []string{"RMD", "XRMD", "DELE", "RNFR", "RNTO", "MKD", "SIZE", "MDTM"} {
		c.cmd(501, "%s", verb)
		c.cmd(501, "%s ", verb)
	}
	for _, verb := range []string{"RETR", "STOR", "APPE"} {
		d := c.data("%s", verb)
		c.expect(501)
		d.Close()
	}
	if _, err := os.Stat(s.path("d")); err != nil {
		t.Error(err)
	}
	c.cmd(213, "AVBL")
	c.cmd(250, "MLST")
}

func TestEPSVArguments(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "content")
	c := login(t, s)
	c.cmd(229, "EPSV 1")
	if text := c.cmd(522, "EPSV 2"); !strings.Contains(text, "(1)") { // RFC 2428, section 3
		t.Errorf("EPSV 2: %q", text)
	}
	c.cmd(522, "EPSV 3")
	c.cmd(227, "PASV")
	c.cmd(200, "EPSV all")
	c.cmd(503, "PASV")
	c.cmd(503, "PORT 127,0,0,1,200,1")
	c.cmd(503, "EPRT |1|127.0.0.1|50000|")
	if got := c.get("RETR a"); got != "content" {
		t.Errorf("fetched %q", got)
	}
}

func TestEPSVArgumentsIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	c := login(t, startOn(t, options{}, l))
	c.cmd(229, "EPSV 2")
	c.cmd(522, "EPSV 1")
}

// Only whole words are commands, whatever the library sees at their end.
func TestSuffixIsNoCommand(t *testing.T) {
	s := start(t, options{})
	c := dial(t, s)
	for _, verb := range []string{"XQUIT", "FOOSTAT"} {
		if code, text := c.reply("%s", verb); code != 500 && code != 530 {
			t.Errorf("%s before the login: %d %s", verb, code, text)
		}
	}
	c.login()
	for _, verb := range []string{"XQUIT", "FOOSTAT", "FOOSTAT /", "NOABOR"} {
		c.cmd(500, "%s", verb)
	}
	c.cmd(211, "STAT")
	c.cmd(226, "\xff\xf4\xff\xf2ABOR")
}

// Clients that take CR for the end of a line must not find a reply in a name.
func TestCarriageReturnInName(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	for _, tt := range []struct {
		code int
		cmd  string
	}{{257, "MKD a\r230 b"}, {250, "CWD a\r230 b"}, {257, "PWD"}, {250, "CWD /"}, {250, "RMD a\r230 b"}, {550, "SIZE a\r230 b"}} {
		if text := c.cmd(tt.code, "%s", tt.cmd); strings.Contains(text, "\r") {
			t.Errorf("%q: %q", tt.cmd, text)
		}
	}
}
