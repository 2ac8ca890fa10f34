package natssink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"sftpgo/actions"
)

// patience is what a caller does when the server is away.
type patience int

const (
	patient   patience = iota // wait for it
	impatient                 // return the failure
)

var errClosed = errors.New("the sink is closed")

const (
	dialLimit = 5 * time.Second // for the connection to one server
	pause     = time.Second     // before a server is tried again
)

// link is the connection, which the library makes again when it is lost.
type link struct {
	cfg Config
	log *slog.Logger

	dial   sync.Mutex // held while the first connection is made
	mu     sync.Mutex
	closed bool
	nats   *nats.Conn
	alive  context.Context // ends when the connection is lost; nil: there was none yet
	lost   context.CancelCauseFunc
	failed error         // of the last attempt; nil: none has failed, or one has succeeded since
	change chan struct{} // closed and replaced when waiters should look again
	done   chan struct{} // closed when the library has ended
}

func newLink(cfg Config, log *slog.Logger) *link {
	return &link{cfg: cfg, log: log, change: make(chan struct{}), done: make(chan struct{})}
}

// use calls do when the connection works, with a context that ends when it does not
// any more: whoever waits for an answer would wait in vain.
func (l *link) use(ctx context.Context, p patience, do func(ctx context.Context, c *nats.Conn) error) error {
	alive, err := l.wait(ctx, p)
	if err != nil {
		return err
	}
	while, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(alive, func() { cancel(context.Cause(alive)) })
	defer stop()
	err = do(while, l.nats)
	if err != nil && while.Err() != nil {
		return context.Cause(while)
	}
	return err
}

// wait returns when the connection works.
func (l *link) wait(ctx context.Context, p patience) (alive context.Context, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, errClosed
		case l.alive != nil && l.alive.Err() == nil:
			return l.alive, nil
		case ctx.Err() != nil && l.failed != nil:
			return nil, fmt.Errorf("%w; the server cannot be reached: %w", context.Cause(ctx), l.failed)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case p == impatient && l.failed != nil:
			return nil, l.failed
		}
		change := l.change
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-change:
		}
		l.mu.Lock()
	}
}

// begin starts the library on the first call. It does not wait for the server: the
// library goes on by itself where its first attempt fails.
func (l *link) begin() error {
	l.dial.Lock()
	defer l.dial.Unlock()
	l.mu.Lock()
	begun, closed := l.nats != nil, l.closed
	l.mu.Unlock()
	if begun || closed {
		return nil
	}
	// A list of its own: in one text a comma of a password would end a URL.
	o := nats.GetDefaultOptions()
	o.Servers = l.cfg.servers()
	for _, set := range l.options() {
		if err := set(&o); err != nil {
			return fmt.Errorf("%s: %w", actions.RedactURL(l.cfg.URL), err)
		}
	}
	c, err := o.Connect()
	if err != nil {
		return fmt.Errorf("%s: %w", actions.RedactURL(l.cfg.URL), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nats = c
	return nil
}

func (l *link) options() []nats.Option {
	s := l.cfg.Settings
	options := []nats.Option{
		nats.Name("sftpgo"),
		nats.Timeout(dialLimit),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(pause),
		nats.IgnoreAuthErrorAbort(), // somebody may set it right
		nats.ReconnectBufSize(-1),   // what is not sent is the outbox's
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(func(*nats.Conn) { l.up() }),
		nats.ReconnectHandler(func(*nats.Conn) { l.up() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.end(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.down(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.down(err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(l.done) }),
	}
	if s.User != "" {
		options = append(options, nats.UserInfo(s.User, s.Password))
	}
	if s.Token != "" {
		options = append(options, nats.Token(s.Token))
	}
	if l.cfg.TLS != nil {
		options = append(options, nats.Secure(l.cfg.TLS.Clone()))
	}
	return options
}

func (l *link) up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		l.log.Info("the server is back")
	}
	l.failed = nil
	l.alive, l.lost = context.WithCancelCause(context.Background())
	l.announce()
}

// end is the loss of the connection.
func (l *link) end(err error) {
	if err == nil {
		err = errors.New("the server has ended the connection")
	}
	err = fmt.Errorf("the connection was lost: %w", err)
	l.mu.Lock()
	if l.lost != nil {
		l.lost(err)
	}
	l.mu.Unlock()
	l.down(err)
}

// down notes a failure, and says so once for each cause.
func (l *link) down(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.failed == nil || l.failed.Error() != err.Error() {
		l.log.Warn("the server cannot be used, events wait", "error", err.Error())
	}
	l.failed = err
	l.announce()
}

func (l *link) announce() {
	close(l.change)
	l.change = make(chan struct{})
}

// close ends the connection and waits for the library.
func (l *link) close() {
	l.dial.Lock()
	defer l.dial.Unlock()
	l.mu.Lock()
	begun, already := l.nats != nil, l.closed
	l.closed = true
	l.announce()
	l.mu.Unlock()
	if begun && !already {
		l.nats.Close()
		<-l.done
		l.end(errClosed)
	}
}
