package ftpd

import (
	"fmt"
	"io"
	"net"
	"net/netip"
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
		if from == l.c.remote || l.c.srv.binding.PassiveConnectionsSecurity == passiveFromAnywhere {
			return l.strict(conn), nil
		}
		l.c.log.Warn("data connection from another address refused", "client_ip", l.c.remote.String(), "from", from.String())
		_ = conn.Close() // it is not ours
	}
}

// strict makes the end of the connection an error under TLS, which has an end of its
// own (close_notify) that crypto/tls does not insist on: so an upload whose client
// has died, or that somebody cut on the way, is not taken for a whole one. Clear
// text keeps its connection, for sendfile and splice. It is a setting because
// clients such as basic-ftp of npm do not always send that end.
func (l passiveListener) strict(conn net.Conn) net.Conn {
	if !l.secure || l.c.srv.binding.TLSEnd != endStrict {
		return conn
	}
	return strictConn{conn}
}

type strictConn struct{ net.Conn }

var errCut = fmt.Errorf("the connection ended before TLS did: %w", io.ErrUnexpectedEOF)

func (c strictConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
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
