package proxied

import (
	"errors"
	"io"
	"net"
)

// forwarded is a connection whose header has been read. It is a TCP connection in
// all but its addresses, so that the kernel still sends files by itself.
type forwarded struct {
	*net.TCPConn
	addresses
}

// RemoteAddr is the client of the proxy.
func (c *forwarded) RemoteAddr() net.Addr { return c.client }

// LocalAddr is where the client has connected to.
func (c *forwarded) LocalAddr() net.Addr { return c.server }

// plain are the abilities of a TCP connection that do not read.
type plain struct {
	net.Conn
	tcp *net.TCPConn
}

// ReadFrom keeps sendfile for answers.
func (c plain) ReadFrom(r io.Reader) (int64, error) { return c.tcp.ReadFrom(r) }

// CloseWrite is how net/http says that it has answered.
func (c plain) CloseWrite() error { return c.tcp.CloseWrite() }

// NetConn is the connection below, for those who only look at its state. Who reads
// there passes by what was read already.
func (c plain) NetConn() net.Conn { return c.tcp }

// replayed gives what was read in search of a header once more.
type replayed struct {
	plain
	head []byte
}

func replay(c *net.TCPConn, head []byte) net.Conn {
	if len(head) == 0 {
		return c
	}
	return &replayed{plain: plain{c, c}, head: head}
}

func (c *replayed) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// ignored is a connection whose header, if there is one, is dropped when the first
// byte is wanted: a client that waits for a greeting must get it. One goroutine
// reads first.
type ignored struct {
	plain
	looked bool
	head   []byte
	err    error // of the search
}

func ignore(c *net.TCPConn) net.Conn { return &ignored{plain: plain{c, c}} }

func (c *ignored) Read(p []byte) (int, error) {
	if !c.looked {
		c.looked = true
		if _, c.head, c.err = readHeader(c.Conn); errors.Is(c.err, errNoHeader) {
			c.err = nil
		}
	}
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	if err := c.err; err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
