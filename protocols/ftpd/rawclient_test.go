package ftpd_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
)

// conn is a client that says exactly what a test wants it to say.
type conn struct {
	t    testing.TB
	tcp  net.Conn // under TLS, if there is any
	text *textproto.Conn
	tls  *tls.Config // of data connections; nil: clear text
}

// dial connects and reads the greeting.
func dial(t testing.TB, s *server) *conn {
	t.Helper()
	tcp, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	c := &conn{t: t, tcp: tcp, text: textproto.NewConn(tcp)}
	c.expect(220)
	return c
}

// login is dial and a login.
func login(t testing.TB, s *server) *conn {
	t.Helper()
	c := dial(t, s)
	c.login()
	return c
}

func (c *conn) login() {
	c.t.Helper()
	c.cmd(331, "USER %s", testUser)
	c.cmd(230, "PASS %s", testPassword)
}

// send sends one command and does not wait.
func (c *conn) send(format string, args ...any) {
	c.t.Helper()
	if err := c.text.PrintfLine(format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads one reply and returns its text.
func (c *conn) expect(code int) string {
	c.t.Helper()
	got, text, err := c.text.ReadResponse(0)
	if err != nil && got == 0 {
		c.t.Fatalf("no reply, want %d: %v", code, err)
	}
	if got != code {
		c.t.Fatalf("reply %d %q, want %d", got, text, code)
	}
	return text
}

// cmd sends a command and returns the text of the reply.
func (c *conn) cmd(code int, format string, args ...any) string {
	c.t.Helper()
	c.send(format, args...)
	return c.expect(code)
}

// reply sends a command and returns code and text of whatever comes.
func (c *conn) reply(format string, args ...any) (int, string) {
	c.t.Helper()
	c.send(format, args...)
	code, text, err := c.text.ReadResponse(0)
	if err != nil && code == 0 {
		c.t.Fatalf("no reply to "+format+": %v", append(args, err)...)
	}
	return code, text
}

// ended checks that the server closes the connection.
func (c *conn) ended() {
	c.t.Helper()
	if line, err := c.text.ReadLine(); err == nil {
		c.t.Errorf("connection goes on: %q", line)
	}
}

// authTLS changes to TLS, for data connections too.
func (c *conn) authTLS(cfg *tls.Config) {
	c.t.Helper()
	c.cmd(234, "AUTH TLS")
	c.upgrade(cfg)
	c.cmd(200, "PBSZ 0")
	c.cmd(200, "PROT P")
}

func (c *conn) upgrade(cfg *tls.Config) {
	c.tls = cfg
	c.text = textproto.NewConn(tls.Client(c.tcp, cfg))
}

// epsv asks for a passive port and returns its address.
func (c *conn) epsv() string {
	c.t.Helper()
	text := c.cmd(229, "EPSV")
	port, err := strconv.Atoi(strings.Trim(text[strings.Index(text, "("):], "(|)"))
	if err != nil {
		c.t.Fatalf("EPSV: %q", text)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// data opens a passive data connection and sends a command that uses it.
func (c *conn) data(format string, args ...any) net.Conn {
	c.t.Helper()
	d, err := net.Dial("tcp", c.epsv())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { d.Close() })
	c.send(format, args...)
	if c.tls != nil {
		d = tls.Client(d, c.tls)
	}
	return d
}

// get returns what a command sends, which must succeed.
func (c *conn) get(format string, args ...any) string {
	c.t.Helper()
	d := c.data(format, args...)
	c.expect(150)
	b, err := io.ReadAll(d)
	if err != nil {
		c.t.Fatal(err)
	}
	d.Close()
	c.expect(226)
	return string(b)
}

// put sends content to a command and returns code and text of the last reply.
func (c *conn) put(content, format string, args ...any) (int, string) {
	c.t.Helper()
	d := c.data(format, args...)
	c.expect(150)
	_, _ = io.WriteString(d, content) // a server that refuses may close first
	d.Close()
	code, text, err := c.text.ReadResponse(0)
	if err != nil && code == 0 {
		c.t.Fatal(err)
	}
	return code, text
}

// stor is put that must succeed.
func (c *conn) stor(content, format string, args ...any) {
	c.t.Helper()
	if code, text := c.put(content, format, args...); code != 226 {
		c.t.Fatalf(format+": %d %s", append(args, code, text)...)
	}
}
