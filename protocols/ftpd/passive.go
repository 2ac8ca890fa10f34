package ftpd

import (
	"bufio"
	"net"
	"net/netip"

	"github.com/fclairamb/ftpserverlib"
)

// passiveListener waits for the data connection of one client. A connection from
// elsewhere is closed and the wait goes on, so that nobody can take a transfer
// or make it fail by being quicker.
type passiveListener struct {
	net.Listener
	c      *client
	secure bool // TLS comes on top
}

func (l passiveListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn.RemoteAddr())
		if from == l.c.remote {
			return l.buffered(conn), nil
		}
		l.c.log.Warn("data connection from another address refused", "client_ip", l.c.remote.String(), "from", from.String())
		_ = conn.Close() // it is not ours
	}
}

// buffered gathers the lines of a listing, which the library writes one by one.
// It forgets to flush TLS, so that this is for clear text only.
func (l passiveListener) buffered(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok || l.secure {
		return conn
	}
	return &lineConn{TCPConn: tcp}
}

// lineConn is a connection whose small writes wait for each other. The embedded
// connection keeps its own ReadFrom and WriteTo, so that files go by sendfile and
// splice.
type lineConn struct {
	*net.TCPConn
	w *bufio.Writer
}

var _ ftpserver.Flusher = (*lineConn)(nil)

const listingBuffer = 64 << 10

func (c *lineConn) Write(p []byte) (int, error) {
	if c.w == nil {
		if len(p) == 0 { // the library does that to every empty file
			return 0, nil
		}
		c.w = bufio.NewWriterSize(c.TCPConn, listingBuffer)
	}
	return c.w.Write(p)
}

// Flush is called by the library at the end of a listing.
func (c *lineConn) Flush() error {
	if c.w == nil {
		return nil
	}
	return c.w.Flush()
}

// addressOf is the IP address of a TCP peer, the same for both forms of IPv4.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// onceListener yields the one connection of a client to the library.
type onceListener struct {
	conn net.Conn
	done bool
}

func (l *onceListener) Accept() (net.Conn, error) {
	if l.done {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
	l.done = true
	return l.conn, nil
}

func (l *onceListener) Close() error   { return nil }
func (l *onceListener) Addr() net.Addr { return l.conn.LocalAddr() }
