package amqpsink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"sftpgo/actions"
)

// connection is one to the broker. What is not atomic belongs to the pool.
type connection struct {
	amqp    *amqp.Connection
	raw     net.Conn
	blocked atomic.Pointer[string] // why the broker takes nothing for the moment
	drained chan struct{}          // closed when nobody watches blocked any more

	links    int  // open or about to be opened
	busy     int  // of them
	retiring bool // gets no more work
	idle     time.Time
}

// link is a channel of AMQP in confirm mode. It has one message on its way at a
// time, so what comes back is about that one.
type link struct {
	on      *connection
	channel *amqp.Channel
	closed  chan *amqp.Error
	returns chan amqp.Return
	idle    time.Time
}

// fate says what a link is good for after a publication.
type fate int

const (
	reusable fate = iota
	broken        // the broker has closed it
	// outdated: what was declared is not there any more; a new connection declares it
	// again.
	outdated
	// lost: an answer is still to come, or the connection has gone, which the library
	// may find out later than the first write that fails.
	lost
)

// dial connects and declares what is asked for.
func dial(ctx context.Context, cfg Config) (*connection, error) {
	c := &connection{drained: make(chan struct{}), idle: time.Now()}
	stop := func() bool { return true }
	settings := amqp.Config{
		TLSClientConfig: cfg.TLS.Clone(),
		Properties:      amqp.NewConnectionProperties(),
		Dial: func(network, address string) (net.Conn, error) {
			var err error
			if c.raw, err = new(net.Dialer).DialContext(ctx, network, address); err != nil {
				return nil, err
			}
			stop = context.AfterFunc(ctx, func() { _ = c.raw.Close() })
			return c.raw, nil
		},
	}
	settings.Properties.SetClientConnectionName("sftpgo")
	var err error
	c.amqp, err = amqp.DialConfig(cfg.URL, settings)
	if err != nil {
		if c.raw != nil {
			_ = c.raw.Close()
		}
		stop()
		return nil, ended(ctx, err)
	}
	go c.watch(c.amqp.NotifyBlocked(make(chan amqp.Blocking, 4)))
	if err := declare(c.amqp, cfg); err != nil {
		stop()
		c.close()
		return nil, ended(ctx, err)
	}
	if !stop() {
		c.close()
		return nil, context.Cause(ctx)
	}
	return c, nil
}

// ended prefers the end of the context to what it has led to.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// watch ends with the connection.
func (c *connection) watch(changes <-chan amqp.Blocking) {
	defer close(c.drained)
	for b := range changes {
		if b.Active {
			c.blocked.Store(&b.Reason)
		} else {
			c.blocked.Store(nil)
		}
	}
}

// open opens a link; when ctx ends, the connection goes with it.
func (c *connection) open(ctx context.Context) (*link, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	defer stop()
	ch, err := c.amqp.Channel()
	if err != nil {
		return nil, ended(ctx, fmt.Errorf("open a channel: %w", err))
	}
	if err := ch.Confirm(false); err != nil {
		return nil, ended(ctx, fmt.Errorf("select confirmations: %w", err))
	}
	return &link{
		on: c, channel: ch, idle: time.Now(),
		closed:  ch.NotifyClose(make(chan *amqp.Error, 1)),
		returns: ch.NotifyReturn(make(chan amqp.Return, 1)),
	}, nil
}

// close ends the connection, whatever the broker does.
func (c *connection) close() {
	const patience = 2 * time.Second
	_ = c.amqp.CloseDeadline(time.Now().Add(patience)) // a courtesy to the broker
	c.cut()
}

// cut ends it without a word.
func (c *connection) cut() {
	_ = c.raw.Close()
	<-c.drained
}

// publish sends a message and waits until the broker has confirmed it.
func (l *link) publish(ctx context.Context, m message) (fate, error) {
	if ctx.Err() != nil {
		return reusable, context.Cause(ctx)
	}
	// A broker that takes nothing lets the socket fill up, and the library knows no
	// context.
	stop := context.AfterFunc(ctx, func() { _ = l.on.raw.Close() })
	confirmation, err := l.channel.PublishWithDeferredConfirm(m.exchange, m.key, m.mandatory, false, m.Publishing)
	if !stop() {
		return lost, l.on.explain(context.Cause(ctx))
	}
	if err != nil {
		return l.closure(err)
	}
	select {
	case <-ctx.Done():
		return lost, l.on.explain(context.Cause(ctx))
	case <-confirmation.Done():
	}
	select {
	case r := <-l.returns: // comes before the confirmation, if at all
		if r.ReplyText != "" {
			return outdated, fmt.Errorf("%w: no queue takes the message (%s)", actions.ErrRejected, r.ReplyText)
		}
	default:
	}
	if confirmation.Acked() {
		return reusable, nil
	}
	return l.refusal()
}

// refusal tells a negative confirmation from a channel that has ended, with which
// the library answers in the same way.
func (l *link) refusal() (fate, error) {
	if !l.channel.IsClosed() {
		return reusable, errors.New("the broker has not taken the message")
	}
	return l.closure(errors.New("the connection was lost before the confirmation"))
}

// closure says why the channel was closed, or else err.
func (l *link) closure(err error) (fate, error) {
	var why *amqp.Error
	select {
	case why = <-l.closed:
	default:
	}
	switch {
	case why == nil:
		return lost, err
	case !why.Server || l.on.amqp.IsClosed():
		return lost, why
	case why.Code == amqp.NotFound:
		return outdated, why
	}
	return broken, why
}

// explain adds why the broker may have been silent.
func (c *connection) explain(err error) error {
	if why := c.blocked.Load(); why != nil {
		return fmt.Errorf("the broker blocks publishers (%s): %w", *why, err)
	}
	return err
}

// alive reports whether the library believes in the connection.
func (c *connection) alive() bool { return !c.retiring && !c.amqp.IsClosed() }
