package amqpsink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// patience is what a caller does when the broker is away.
type patience int

const (
	patient   patience = iota // wait for it
	impatient                 // return the failure
)

// errClosed says that the sink was closed.
var errClosed = errors.New("the sink is closed")

const (
	dialLimit     = 15 * time.Second // for a connection with its declarations, or a channel
	secondTry     = 3 * time.Second  // for who waits, where the last attempt has failed
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
)

// pool lends links. Connections and links are opened in goroutines of its own, so
// that the end of one delivery does not undo what others wait for.
type pool struct {
	cfg  Config
	log  *slog.Logger
	ctx  context.Context // of what the goroutines do
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	connections []*connection
	idle        []*link       // the last one was used last
	waiting     int           // callers of acquire
	opening     int           // goroutines that open
	dialing     bool          // one of them connects
	changed     chan struct{} // closed and replaced when waiters should look again
	failure     error         // of the last attempt
	failures    int           // in a row
	again       time.Time     // not before this
}

func newPool(cfg Config, log *slog.Logger) *pool {
	p := &pool{cfg: cfg, log: log, changed: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(context.Background())
	if cfg.Settings.IdleChannelsTimeout > 0 || cfg.Settings.IdleConnectionTimeout > 0 {
		p.wg.Go(p.tidy)
	}
	return p
}

// acquire returns a link, which release takes back.
func (p *pool) acquire(ctx context.Context, how patience) (*link, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	defer func() { p.waiting-- }()
	if how == impatient && p.failure != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, secondTry, fmt.Errorf("nothing within %v: %w", secondTry, context.DeadlineExceeded))
		defer cancel()
	}
	for {
		switch {
		case ctx.Err() != nil:
			return nil, p.whyNot(ctx)
		case p.closed:
			return nil, errClosed
		}
		if l := p.take(); l != nil {
			return l, nil
		}
		pause := time.Until(p.again)
		if pause <= 0 {
			p.grow()
		} else if how == impatient && p.opening == 0 {
			return nil, p.failure
		}
		p.wait(ctx, pause)
	}
}

// wait lets go of the lock until something changes, or the pause is over.
func (p *pool) wait(ctx context.Context, pause time.Duration) {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	var over <-chan time.Time
	if pause > 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-over:
	}
}

// whyNot is what the end of the context is told as.
func (p *pool) whyNot(ctx context.Context) error {
	if p.failure != nil {
		return fmt.Errorf("%w; the broker cannot be reached: %w", context.Cause(ctx), p.failure)
	}
	return context.Cause(ctx)
}

// take returns a link that rests, if there is a good one.
func (p *pool) take() *link {
	for len(p.idle) > 0 {
		l := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if l.on.alive() && !l.channel.IsClosed() {
			l.on.busy++
			return l
		}
		l.on.links--
		if !l.on.alive() {
			p.retire(l.on)
		}
	}
	return nil
}

// grow opens what the waiting callers need, within the bounds.
func (p *pool) grow() {
	if p.opening >= p.waiting {
		return
	}
	for _, c := range slices.Clone(p.connections) {
		switch {
		case !c.alive():
			p.retire(c)
		case c.links < p.cfg.Settings.ChannelPoolSize:
			c.links++
			p.open(func() (*link, error) { return p.extend(c) })
			return
		}
	}
	if !p.dialing && len(p.connections) < p.cfg.Settings.ConnectionPoolSize {
		p.dialing = true
		p.open(p.connect)
	}
}

// open runs make, and passes on what it makes.
func (p *pool) open(make func() (*link, error)) {
	p.opening++
	p.wg.Go(func() {
		l, err := make()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.opening--
		switch {
		case err == nil:
			p.recovered()
			p.idle = append(p.idle, l)
		case p.ctx.Err() == nil:
			p.failed(err)
		}
		p.announce()
	})
}

// extend opens a further link on a connection. If that fails, nobody else should
// try it.
func (p *pool) extend(c *connection) (*link, error) {
	ctx, cancel := limited(p.ctx)
	defer cancel()
	l, err := c.open(ctx)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		c.links--
		p.retire(c)
	}
	return l, err
}

// connect makes a connection with its first link.
func (p *pool) connect() (*link, error) {
	ctx, cancel := limited(p.ctx)
	defer cancel()
	c, err := dial(ctx, p.cfg)
	p.mu.Lock()
	p.dialing = false
	if err == nil {
		c.links = 1
		p.connections = append(p.connections, c)
	}
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return p.extend(c)
}

func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, dialLimit, fmt.Errorf("no answer within %v: %w", dialLimit, context.DeadlineExceeded))
}

// failed makes a pause before the next attempt, and says so once for each cause.
func (p *pool) failed(err error) {
	pause := min(shortestPause<<min(p.failures, 20), longestPause)
	pause += rand.N(pause / 4)
	if p.failure == nil || p.failure.Error() != err.Error() {
		p.log.Warn("the broker cannot be used, events wait", "error", err.Error())
	}
	p.failures++
	p.failure, p.again = err, time.Now().Add(pause)
}

func (p *pool) recovered() {
	if p.failure != nil {
		p.log.Info("the broker is back", "attempts", p.failures)
	}
	p.failure, p.failures, p.again = nil, 0, time.Time{}
}

// announce has all waiting callers look again.
func (p *pool) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// release takes a link back.
func (p *pool) release(l *link, f fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.on.busy--
	l.idle, l.on.idle = time.Now(), time.Now()
	declares := p.cfg.Settings.DeclareExchange || p.cfg.Settings.DeclareQueues
	switch {
	case f == lost || f == outdated && declares || !l.on.alive():
		l.on.links--
		p.retire(l.on)
	case f == broken || l.channel.IsClosed():
		l.on.links--
	default:
		p.idle = append(p.idle, l)
	}
	p.finish(l.on)
	p.announce()
}

// retire takes a connection out of use. It is closed when nothing is on its way any
// more.
func (p *pool) retire(c *connection) {
	c.retiring = true
	p.idle = slices.DeleteFunc(p.idle, func(l *link) bool {
		if l.on == c {
			c.links--
		}
		return l.on == c
	})
	p.finish(c)
}

// finish closes a connection that retires and is not used any more.
func (p *pool) finish(c *connection) {
	at := slices.Index(p.connections, c)
	if !c.retiring || c.links > 0 || at < 0 {
		return
	}
	p.connections = slices.Delete(p.connections, at, at+1)
	p.wg.Go(c.close)
}

// tidy ends what was not used for long.
func (p *pool) tidy() {
	channels := time.Duration(p.cfg.Settings.IdleChannelsTimeout) * time.Second
	connections := time.Duration(p.cfg.Settings.IdleConnectionTimeout) * time.Second
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-ticks.C:
			p.drop(now, channels, connections)
		}
	}
}

// drop ends channels and connections that were idle for so long; 0 is for ever.
func (p *pool) drop(now time.Time, channels, connections time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if channels > 0 {
		p.idle = slices.DeleteFunc(p.idle, func(l *link) bool {
			old := now.Sub(l.idle) >= channels
			if old {
				// It counts until it is closed: the broker has bounds, too.
				p.wg.Go(func() { p.end(l) })
			}
			return old
		})
	}
	if connections > 0 {
		for _, c := range slices.Clone(p.connections) {
			if resting := c.busy == 0 && !c.retiring; resting && now.Sub(c.idle) >= connections {
				p.retire(c)
			}
		}
	}
}

// end closes a link that is in no list any more.
func (p *pool) end(l *link) {
	ctx, cancel := limited(p.ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.on.raw.Close() })
	_ = l.channel.Close() // who has gone already need not be closed
	stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.on.links--
	p.finish(l.on)
	p.announce()
}

// close ends everything and waits for it.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.stop()
	for _, c := range slices.Clone(p.connections) {
		p.retire(c)
	}
	p.announce()
	p.mu.Unlock()
	p.wg.Wait()
	p.mu.Lock()
	left := slices.Clone(p.connections)
	p.mu.Unlock()
	for _, c := range left { // on which a delivery is on its way in spite of the promise
		c.cut()
	}
}
