package proxied

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"sftpgo/protocols/waiting"
)

const (
	// headerTime is what a proxy has for its header; it sends it before anything else.
	headerTime = 10 * time.Second
	// firstByte is how long the first byte may take where there need be no header. A
	// client that waits to be greeted waits as long.
	firstByte = 2 * time.Second
	// maxPending caps the connections whose header is awaited, and maxPendingOfOne
	// those of one sender where anyone is believed. Proxies that are named in the
	// configuration have no cap of their own: behind one are many clients.
	maxPending      = 1024
	maxPendingOfOne = 128
)

// Listener accepts connections with the addresses that proxies tell. It reads the
// header of each on a goroutine of its own, so that a sender that takes its time
// keeps nobody waiting.
type Listener struct {
	*net.TCPListener
	mode             int
	allowed, skipped Networks
	headerTime       time.Duration
	firstByte        time.Duration
	room             *waiting.Room
	log              *slog.Logger

	ctx     context.Context // of the listener, until Close
	cancel  context.CancelFunc
	arrived chan arrival
	running sync.WaitGroup
}

type arrival struct {
	conn net.Conn
	err  error
}

// Listen returns l as cfg wants it: l itself if the protocol is off, else a
// *Listener, which closes l.
func Listen(l *net.TCPListener, cfg Config, log *slog.Logger) (net.Listener, error) {
	if cfg.ProxyProtocol == off {
		return l, nil
	}
	return newListener(l, cfg, log, headerTime, firstByte)
}

func newListener(l *net.TCPListener, cfg Config, log *slog.Logger, header, first time.Duration) (*Listener, error) {
	allowed, err := ParseNetworks("proxy_allowed", cfg.ProxyAllowed)
	if err != nil {
		return nil, err
	}
	skipped, err := ParseNetworks("proxy_skipped", cfg.ProxySkipped)
	if err != nil {
		return nil, err
	}
	ofOne := maxPending
	if len(allowed) == 0 {
		ofOne = maxPendingOfOne
	}
	p := &Listener{
		TCPListener: l, mode: cfg.ProxyProtocol, allowed: allowed, skipped: skipped,
		headerTime: header, firstByte: first,
		room:    waiting.NewRoom(maxPending, ofOne),
		log:     log.With("sender", "proxy"),
		arrived: make(chan arrival),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.run)
	return p, nil
}

// Accept returns the next connection whose addresses are known.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.arrived:
		return a.conn, a.err
	case <-l.ctx.Done():
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close ends the listener and the connections that nobody has accepted.
func (l *Listener) Close() error {
	l.cancel()
	err := l.TCPListener.Close()
	l.running.Wait()
	return err
}

func (l *Listener) run() {
	for {
		c, err := l.AcceptTCP()
		switch {
		case err == nil:
			l.receive(c)
		case l.ctx.Err() != nil:
			return
		default:
			l.hand(nil, err)
			if errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}
}

// hand gives a connection, or an error, to who accepts.
func (l *Listener) hand(c net.Conn, err error) {
	select {
	case l.arrived <- arrival{c, err}:
	case <-l.ctx.Done():
		if c != nil {
			_ = c.Close() // nobody has it
		}
	}
}

// receive goes by the table of the configuration.
func (l *Listener) receive(c *net.TCPConn) {
	from := addressOf(c)
	switch {
	case l.skipped.Contain(from):
		l.hand(c, nil)
	case len(l.allowed) == 0 || l.allowed.Contain(from):
		out := l.room.Enter(from, func() { _ = c.Close() })
		l.running.Go(func() {
			defer out()
			l.admit(c, from)
		})
	case l.mode == optional:
		l.hand(ignore(c), nil)
	default:
		l.log.Info("connection that does not come from a proxy refused", "client_ip", from.String())
		_ = c.Close()
	}
}

// admit waits for the header.
func (l *Listener) admit(c *net.TCPConn, from netip.Addr) {
	defer context.AfterFunc(l.ctx, func() { _ = c.Close() })()
	conn, err := l.identify(c)
	if err == nil {
		err = c.SetReadDeadline(time.Time{})
	}
	if err == nil {
		l.hand(conn, nil)
		return
	}
	_ = c.Close()
	level := slog.LevelInfo
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		level = slog.LevelDebug // load balancers look whether the port is open
	}
	l.log.Log(context.Background(), level, "connection refused: "+err.Error(), "client_ip", from.String())
}

// identify returns the connection with the addresses that its header tells.
func (l *Listener) identify(c *net.TCPConn) (conn net.Conn, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic", "in", "header of the PROXY protocol", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	patience := l.headerTime
	if l.mode == optional {
		patience = l.firstByte
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	r := &untilFirst{c: c, then: l.headerTime}
	a, head, err := readHeader(r)
	silent := r.then > 0 && errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case l.mode == optional && (silent || errors.Is(err, errNoHeader)):
		return replay(c, head), nil
	case err != nil:
		return nil, err
	case a.client == nil:
		return c, nil
	}
	return &forwarded{TCPConn: c, addresses: a}, nil
}

// untilFirst sets another deadline once something has come.
type untilFirst struct {
	c    *net.TCPConn
	then time.Duration // 0: something has
}

func (u *untilFirst) Read(p []byte) (int, error) {
	n, err := u.c.Read(p)
	if n > 0 && u.then > 0 {
		if derr := u.c.SetReadDeadline(time.Now().Add(u.then)); err == nil {
			err = derr
		}
		u.then = 0
	}
	return n, err
}

func addressOf(c *net.TCPConn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
