package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"testing"
)

// ftpClient is the least that moves a file over FTP, in passive mode.
type ftpClient struct {
	b      *testing.B
	text   *textproto.Conn
	secure *tls.Config // of data connections; nil is clear text
}

// ftpLogin is what begins a session.
type ftpLogin struct {
	addr, user, password string
	secure               bool // AUTH TLS, and TLS on data connections
}

func dialFTP(b *testing.B, l ftpLogin) *ftpClient {
	b.Helper()
	tcp, err := net.Dial("tcp", l.addr)
	must(b, err)
	b.Cleanup(func() { tcp.Close() })
	c := &ftpClient{b: b, text: textproto.NewConn(tcp)}
	c.expect(220)
	if l.secure {
		c.secure = &tls.Config{
			InsecureSkipVerify: true, // the benchmark's own server
			ClientSessionCache: tls.NewLRUClientSessionCache(16),
		}
		c.command(234, "AUTH TLS")
		c.text = textproto.NewConn(tls.Client(tcp, c.secure))
		c.command(200, "PBSZ 0")
		c.command(200, "PROT P")
	}
	c.command(331, "USER %s", l.user)
	c.command(230, "PASS %s", l.password)
	c.command(200, "TYPE I")
	return c
}

func (c *ftpClient) command(code int, format string, args ...any) string {
	c.b.Helper()
	must(c.b, c.text.PrintfLine(format, args...))
	return c.expect(code)
}

func (c *ftpClient) expect(code int) string {
	c.b.Helper()
	_, text, err := c.text.ReadResponse(code)
	must(c.b, err)
	return text
}

// data sends a command that opens a data connection.
func (c *ftpClient) data(format string, args ...any) net.Conn {
	c.b.Helper()
	reply := c.command(227, "PASV")
	var ip [4]int
	var high, low int
	list := reply[strings.IndexByte(reply, '(')+1:]
	_, err := fmt.Sscanf(list, "%d,%d,%d,%d,%d,%d", &ip[0], &ip[1], &ip[2], &ip[3], &high, &low)
	must(c.b, err)
	conn, err := net.Dial("tcp", fmt.Sprintf("%d.%d.%d.%d:%d", ip[0], ip[1], ip[2], ip[3], high<<8|low))
	must(c.b, err)
	c.command(150, format, args...)
	if c.secure == nil {
		return conn
	}
	return tls.Client(conn, c.secure)
}

// store uploads a local file.
func (c *ftpClient) store(local, name string) {
	f, err := os.Open(local)
	must(c.b, err)
	defer f.Close()
	conn := c.data("STOR %s", name)
	_, err = io.Copy(conn, f)
	must(c.b, err)
	// What the server has sent, tickets of TLS 1.3 above all, is read before the
	// end: closing over unread data resets the connection.
	must(c.b, conn.(interface{ CloseWrite() error }).CloseWrite())
	_, err = io.Copy(io.Discard, conn)
	must(c.b, errors.Join(err, conn.Close()))
	c.expect(226)
}

// retrieve downloads a file and returns its size.
func (c *ftpClient) retrieve(name string) int64 {
	conn := c.data("RETR %s", name)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 256<<10))
	must(c.b, errors.Join(err, conn.Close())) // over TLS there are servers that wait for it
	c.expect(226)
	return n
}
