package ftpd_test

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"

	"sftpgo/protocols/session"
)

// A transfer that is cut anywhere and resumed where it was cut ends with the same
// bytes, both ways, in clear text and over TLS, in every upload mode that keeps
// what has arrived.
func TestResumeAnywhere(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	content := make([]byte, 300_000)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	for _, uploadMode := range []int{0, 2} {
		s := start(t, options{tls: true, session: func(c *session.Config) { c.UploadMode = uploadMode }})
		c := login(t, s)
		secure := dial(t, s)
		secure.authTLS(s.trust(t))
		secure.login()
		for i := range 50 {
			who, at := c, random.IntN(len(content)+1)
			if i%2 == 1 {
				who = secure
			}
			who.resumeUpload(content, at)
			if got := s.read(t, "up"); got != string(content) {
				t.Fatalf("seed %d, mode %d: upload cut at %d differs", seed, uploadMode, at)
			}
			if got := who.resumeDownload(at); got != string(content) {
				t.Fatalf("seed %d, mode %d: download cut at %d differs", seed, uploadMode, at)
			}
		}
	}
}

// resumeUpload sends at bytes and cuts the connection; then it asks for the size
// and sends the rest.
func (c *conn) resumeUpload(content []byte, at int) {
	c.t.Helper()
	c.reply("DELE up")
	d := c.data("STOR up")
	c.expect(150)
	if at > 0 {
		if _, err := d.Write(content[:at]); err != nil {
			c.t.Fatal(err)
		}
	}
	under := d
	if secured, ok := d.(*tls.Conn); ok {
		if err := secured.Handshake(); err != nil {
			c.t.Fatal(err)
		}
		under = secured.NetConn()
	}
	if c.tls != nil {
		_ = under.(*net.TCPConn).CloseWrite() // the end of TCP without that of TLS
		_ = under.Close()
	} else {
		reset(under)
	}
	if code, text, _ := c.text.ReadResponse(0); code != 426 && code != 226 {
		c.t.Fatalf("after the cut: %d %s", code, text)
	}
	size := c.size("up")
	if size > at {
		c.t.Fatalf("%d bytes arrived, %d were sent", size, at)
	}
	c.cmd(350, "REST %d", size)
	c.stor(string(content[size:]), "STOR up")
}

// size is that of a file; 0 if there is none.
func (c *conn) size(name string) int {
	c.t.Helper()
	code, text := c.reply("SIZE %s", name)
	if code != 213 {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// resumeDownload reads at bytes, cuts, and fetches the rest.
func (c *conn) resumeDownload(at int) string {
	c.t.Helper()
	d := c.data("RETR up")
	c.expect(150)
	first := make([]byte, at)
	if _, err := io.ReadFull(d, first); err != nil {
		c.t.Fatal(err)
	}
	_ = d.Close()
	if code, text, _ := c.text.ReadResponse(0); code != 426 && code != 226 {
		c.t.Fatalf("after the cut: %d %s", code, text)
	}
	c.cmd(350, "REST %d", at)
	return string(first) + c.get("RETR up")
}
