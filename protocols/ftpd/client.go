package ftpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
)

// How long a client that has to go may take: to read its farewell, and for its
// transfers to see that the connection is closed.
const (
	farewellTime = 2 * time.Second
	closingTime  = 5 * time.Second
)

// client is one control connection, from accept to the end. It is the main
// driver of its own library server.
type client struct {
	srv     *Server
	id      string
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc // of ctx: the connection is closed
	out     func()             // of the waiting room
	remote  netip.Addr
	tls     secured // as of the accept
	control *control

	ended chan struct{} // the library has read its last command
	quiet chan struct{} // and the last call and transfer are over

	since time.Time

	// Of the goroutine that reads commands, and of transfers that it waits for.
	attempted bool           // a password was tried
	proven    *auth.Identity // by a certificate alone, for the PASS that follows
	facts     facts
	hash      algorithm // of HASH

	hangup sync.Mutex // keeps ClientContext.Close out of the library's own closing

	mu         sync.Mutex
	cc         ftpserver.ClientContext // nil before the greeting and after the end
	session    *session.Session        // nil before the login
	passive    net.Listener            // the latest
	calls      int                     // of the driver, open transfers included
	transfers  int                     // open
	listings   int                     // under way
	openings   []opening               // that the library will ask for, in this order
	transfer   string                  // name of the file that moves; "" is none
	unanswered bool                    // something has ended and the client does not know yet
	ending     bool                    // goes as soon as nothing runs
	leaving    bool                    // somebody sees to its end
	gone       bool                    // no call may start any more
	over       bool                    // nothing is left
}

func newClient(ctx context.Context, s *Server, conn net.Conn) *client {
	c := &client{
		srv:    s,
		id:     fmt.Sprintf("FTP_%d_%d", s.index, s.counter.Add(1)),
		remote: addressOf(conn.RemoteAddr()),
		tls:    s.binding.secure(s.tls.Load()),
		ended:  make(chan struct{}),
		quiet:  make(chan struct{}),
		since:  time.Now(),
		facts:  allFacts,
		hash:   algSHA256,
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.log = s.log.With("connection_id", c.id, "client_ip", c.remote.String())
	c.control = newControl(conn, c.tls.control, s.binding.TLSMode == tlsImplicit, c)
	return c
}

// converse runs the conversation to its end, and waits for all that belongs to
// it.
func (c *client) converse() {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.over = true
	}()
	lib := ftpserver.NewFtpServer(c)
	lib.Logger = slog.New(oneLower{c.log.Handler()})
	err := lib.Listen()
	if err == nil {
		err = lib.Serve() // starts the conversation and returns
	}
	if err != nil {
		c.log.Error("the connection cannot be served", "error", err)
		_ = c.control.Close()
		return
	}
	<-c.ended
	<-c.control.closed
	select {
	case <-c.quiet: // transfers have seen that their connection is closed
	case <-time.After(closingTime):
	}
	c.closeSession()
	<-c.quiet
	if !c.attempted {
		c.srv.logins.LoginFailed(c.ctx, auth.Attempt{Protocol: dataprovider.ProtocolFTP, Remote: c.remote}, errNoAttempt)
	}
}

func (c *client) closeSession() {
	var err error
	defer c.rescue("close session", &err)
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil {
		return
	}
	if err = s.Close(); err != nil {
		c.log.Warn("closing the session", "error", err)
	}
}

var errNoAttempt = errors.New("client ended without a login attempt")

// end lets the client go with a farewell, after the transfer that is under way
// has been answered.
func (c *client) end(text string) {
	c.control.farewell(text)
	c.mu.Lock()
	c.ending = true
	busy := c.transfers > 0 || c.listings > 0 || c.unanswered
	c.mu.Unlock()
	if !busy {
		c.control.end()
	}
}

// replied is told of each reply that ends a command.
func (c *client) replied() {
	c.mu.Lock()
	idle := c.transfers == 0 && c.listings == 0
	if idle {
		c.unanswered = false
	}
	now := c.ending && idle
	c.mu.Unlock()
	if now {
		c.control.end()
	}
}

// disconnect ends the client from the server's side. It does not block: a
// transfer under way is cut, a client without one gets a moment to read why.
func (c *client) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transfers > 0 {
		c.seeOff(0)
	} else {
		c.seeOff(farewellTime)
	}
}

// evict sends a client away that has not logged in, so that another can.
func (c *client) evict() {
	c.log.Info("too many clients wait for a login, the one that waits longest has to go")
	c.disconnect()
}

// seeOff sends the client away and closes its connections when it has gone, or
// after the time given.
func (c *client) seeOff(after time.Duration) {
	if c.leaving || c.over {
		return
	}
	c.leaving = true
	c.srv.running.Go(func() {
		if after > 0 {
			c.end("Connection closed by the server")
			select {
			case <-c.ended:
			case <-time.After(after):
			}
		}
		c.cut()
	})
}

// cut closes all connections of the client.
func (c *client) cut() {
	c.cancel()
	c.mu.Lock()
	passive := c.passive
	c.mu.Unlock()
	if passive != nil {
		_ = passive.Close() // the library may be waiting there with its lock held
	}
	c.control.cut()
	c.hangup.Lock()
	defer c.hangup.Unlock()
	cc := c.context()
	if cc == nil {
		return
	}
	if err := cc.Close(); err != nil { // closes the data connection
		c.log.Debug("closing the connection", "error", err)
	}
}

// interrupt ends the wait for a passive data connection, so that ABOR need not
// wait for it as well: the library holds its lock meanwhile.
func (c *client) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.passive != nil {
		_ = c.passive.Close() // closed before is fine
	}
}

// enter counts a call of the driver; false means that it is too late for one.
func (c *client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	c.calls++
	return true
}

func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left()
}

func (c *client) left() {
	if c.calls--; c.calls == 0 && c.gone {
		close(c.quiet)
	}
}

// transferBegun and transferEnded enclose the life of a handle. The first runs
// inside a call that has been counted.
func (c *client) transferBegun(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.transfers++
	c.transfer = name
}

func (c *client) transferEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.transfers--
	c.transfer = ""
	c.unanswered = true
	c.left()
}

// listingBegun and listingEnded are the same for a listing, which is not worth
// waiting for when the server stops.
func (c *client) listingBegun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.listings++
}

func (c *client) listingEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listings--
	c.unanswered = true
	c.left()
}

// touch tells the session that the client has sent a command.
func (c *client) touch() {
	if s := c.current(); s != nil {
		s.Touch()
	}
}

// current is the session, nil before the login.
func (c *client) current() *session.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func (c *client) lastCommand() string {
	if cc := c.context(); cc != nil {
		return cc.GetLastCommand()
	}
	return ""
}

// directory is the working directory.
func (c *client) directory() string {
	if cc := c.context(); cc != nil {
		return cc.Path()
	}
	return "/"
}

func (c *client) context() ftpserver.ClientContext {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cc
}

var errPanic = errors.New("panic")

// rescue is deferred round everything that the library calls: a panic ends this
// client and no other, and its text stays in the log.
func (c *client) rescue(op string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	c.log.Error("panic", "operation", op, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	*err = refuse(fmt.Errorf("%s: %w", op, errPanic))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unanswered = true
	c.seeOff(farewellTime)
}
