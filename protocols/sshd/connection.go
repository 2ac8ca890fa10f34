package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/protocols/auth"
)

// admit brings one TCP connection to its login and returns it, or nil when it has
// ended. out takes it out of the waiting room. It is not the goroutine that serves
// the connection afterwards: the stack that grew in the login ends with it.
func (s *Server) admit(ctx context.Context, nc net.Conn, out func()) (c *connection) {
	defer func() {
		if c == nil {
			nc.Close()
		}
	}()
	defer out()
	defer s.contain("connection")
	l := &login{srv: s, tcp: nc, remote: remoteOf(nc)}
	var cancel context.CancelFunc
	l.ctx, cancel = context.WithTimeout(ctx, loginTimeout)
	defer cancel()

	stop := context.AfterFunc(l.ctx, func() { nc.Close() })
	conn, channels, requests, err := s.handshake(nc, l)
	out()
	stop()
	if err != nil {
		l.failed(err)
		return nil
	}
	id, err := identity(conn.Permissions)
	if err != nil {
		l.failed(err)
		return nil
	}
	conn.Permissions = nil // the identity is kept once
	l.welcome(conn, id)
	return &connection{srv: s, ctx: ctx, tcp: nc, ssh: conn, identity: id, remote: l.remote, opened: channels, asked: requests}
}

// handshake brings the connection from the first byte to the end of the login.
func (s *Server) handshake(nc net.Conn, l *login) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	cfg := l.config()
	joined := &joinedConn{Conn: newBurstConn(nc, &s.buffers), out: nc, pool: &s.parts}
	g, err := greet(joined, cfg.ServerVersion)
	if err != nil {
		return nil, nil, nil, err
	}
	l.client = g.client
	cfg.Ciphers = g.offer.prefer(cfg.Ciphers)
	conn, channels, requests, err := ssh.NewServerConn(g, cfg)
	// From now on all is encrypted, also the exchange of new keys.
	joined.unambiguous.Store(oddSized(cfg.Ciphers))
	return conn, channels, requests, err
}

// contain is deferred: a panic ends what it is in, and nothing else.
func (s *Server) contain(what string) {
	if r := recover(); r != nil {
		s.log.Error("panic", "in", what, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

// errPanic is the result of what was contained.
var errPanic = errors.New("internal error")

// aside waits for f, which runs on a goroutine of its own: what it needs of stack
// is free again when it ends. Go gives a goroutine back no stack before the next
// garbage collection, and then half of it.
func (s *Server) aside(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.contain("session")
		f()
	}()
	<-done
}

func remoteOf(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// connection is a client that has logged in.
type connection struct {
	srv      *Server
	ctx      context.Context // of the server
	tcp      net.Conn
	ssh      *ssh.ServerConn
	identity auth.Identity
	remote   netip.Addr
	opened   <-chan ssh.NewChannel
	asked    <-chan *ssh.Request

	mu       sync.Mutex
	channels int // not closed by both sides
	running  int // with a session
	idle     *time.Timer
	closed   bool
}

// serve answers requests until the connection ends, and waits for all that runs
// in it.
func (c *connection) serve() {
	defer c.srv.contain("connection")
	var wg sync.WaitGroup
	defer wg.Wait()
	defer c.close()
	c.run(0)
	defer context.AfterFunc(c.ctx, func() { c.run(0) })()

	asked := c.asked
	for n := 0; ; {
		select {
		case open, ok := <-c.opened:
			if !ok {
				return
			}
			if reason, text := c.admit(open); reason != 0 {
				// An error means that the connection has ended; the loop will see.
				_ = open.Reject(reason, text)
				continue
			}
			number := n
			n++
			wg.Go(func() { c.channel(open, number) })
		case request, ok := <-asked:
			if !ok {
				asked = nil
				continue
			}
			// There is nothing to ask for: no forwarding, nothing but keep-alives. An
			// error is as above.
			_ = request.Reply(false, nil)
		}
	}
}

// admit counts a channel, or says why not.
func (c *connection) admit(open ssh.NewChannel) (ssh.RejectionReason, string) {
	if open.ChannelType() != "session" {
		return ssh.UnknownChannelType, "unknown channel type"
	}
	if c.ctx.Err() != nil {
		return ssh.ConnectionFailed, "server stops"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.channels >= maxChannels {
		return ssh.ResourceShortage, "too many channels"
	}
	c.channels++
	return 0, ""
}

func (c *connection) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels--
}

// run counts what runs. When nothing does, the connection ends after a while, or
// at once if the server stops.
func (c *connection) run(delta int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running += delta
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
	switch {
	case c.running > 0 || c.closed: // a timer would keep the memory of all
	case c.ctx.Err() != nil:
		c.tcp.Close()
	case c.srv.idle > 0:
		c.idle = time.AfterFunc(c.srv.idle, func() { c.tcp.Close() })
	}
}

// close ends the connection; it does not wait for the peer.
func (c *connection) close() {
	c.tcp.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
}
