// Package web is what the front-ends over HTTP share: it turns requests, which
// know of no connection to a user, into clients that have a session, an address
// and a login.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
)

// linger is how long a session waits for the next request of its client. HTTP
// has no logout.
const linger = time.Minute

// maxSeats is with how many sessions they linger no more: each holds the directory of
// its user open, and there may be more addresses than a process may have files.
const maxSeats = 1000

// Pool keeps the sessions of clients between their requests: one per user,
// address and login method. Between requests a session is parked, so that it
// does not count against the limits of the user. It is safe for concurrent use.
type Pool struct {
	manager  *session.Manager
	protocol string
	linger   time.Duration

	mu     sync.Mutex
	closed bool
	bySeat map[seat]*Lease
	ending sync.WaitGroup // sessions being closed
}

var errOpening = errors.New("the session could not be opened")

// seat is who a session belongs to.
type seat struct {
	user   string
	remote netip.Addr
	method string
}

// Lease is one session and the requests that use it.
type Lease struct {
	seat     seat
	revision dataprovider.Revision // of the record that the session was opened with
	noted    atomic.Bool           // the log has the login
	ready    chan struct{}         // closed when s or err is set
	s        *session.Session
	err      error

	// Guarded by pool.mu.
	users   int
	retired bool // closed when the last user has gone
	timer   *time.Timer
}

// NewPool makes a pool whose sessions are of the given protocol, as events name it.
func NewPool(m *session.Manager, protocol string) *Pool {
	return &Pool{manager: m, protocol: protocol, linger: linger, bySeat: map[seat]*Lease{}}
}

// SetLinger changes how long a session waits for the next request of its client,
// a minute at first. It is called before the pool is used.
func (p *Pool) SetLinger(d time.Duration) { p.linger = d }

// Session is the session of the lease, until Release.
func (l *Lease) Session() *session.Session { return l.s }

// First reports, once in the life of the session, that nobody has asked before.
func (l *Lease) First() bool { return !l.noted.Swap(true) }

// Acquire returns the session of id at remote, opened if there is none. Each
// Acquire needs a Release. A session of an older record is closed when its last
// request has ended; this one gets a new session.
func (p *Pool) Acquire(ctx context.Context, id auth.Identity, remote netip.Addr) (*Lease, error) {
	at := seat{id.User.Username, remote, id.Method}
	for {
		l, fresh, err := p.join(at, id.Revision)
		if err != nil {
			return nil, err
		}
		if fresh {
			p.open(ctx, l, id) // whatever becomes of it, the end is below
		} else if err := l.wait(ctx); err != nil {
			p.Release(l)
			return nil, err
		}
		err = l.err
		if err == nil {
			err = l.s.Resume()
		}
		if err == nil {
			return l, nil
		}
		p.retire(l)
		p.Release(l)
		if fresh || !errors.Is(err, session.ErrClosed) {
			return nil, err
		}
		// The session was ended by the server meanwhile: take a new one.
	}
}

// wait waits until the session is open or could not be opened.
func (l *Lease) wait(ctx context.Context) error {
	select {
	case <-l.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join adds a user to the lease of a seat. fresh tells that the caller must open
// the session.
func (p *Pool) join(at seat, rev dataprovider.Revision) (l *Lease, fresh bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, session.ErrClosed
	}
	l = p.bySeat[at]
	if l != nil && l.revision != rev {
		p.retireLocked(l)
		l = nil
	}
	if l == nil {
		l, fresh = &Lease{seat: at, revision: rev, ready: make(chan struct{})}, true
		p.bySeat[at] = l
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.users++
	return l, fresh, nil
}

func (p *Pool) open(ctx context.Context, l *Lease, id auth.Identity) {
	defer close(l.ready)
	l.err = errOpening // stays if storage panics
	l.s, l.err = p.manager.Open(context.WithoutCancel(ctx), id.User, session.Peer{
		Protocol:   p.protocol,
		ID:         p.protocol + "_" + rand.Text(),
		Remote:     l.seat.remote,
		Method:     id.Method,
		Shared:     true,
		Disconnect: func() { p.retire(l) },
	})
}

// Release ends one use. The last one parks the session, or closes it.
func (p *Pool) Release(l *Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	switch {
	case l.retired:
		p.end(l)
		return
	case len(p.bySeat) > maxSeats:
		p.retireLocked(l)
		return
	}
	l.s.Park()
	l.timer = time.AfterFunc(p.linger, func() { p.expire(l) })
}

func (p *Pool) expire(l *Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users == 0 && !l.retired {
		p.retireLocked(l)
	}
}

// retire takes a session out of use.
func (p *Pool) retire(l *Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retireLocked(l)
}

func (p *Pool) retireLocked(l *Lease) {
	if l.retired {
		return
	}
	l.retired = true
	if p.bySeat[l.seat] == l {
		delete(p.bySeat, l.seat)
	}
	if l.users == 0 {
		p.end(l)
	}
}

// end closes the session of a lease without users. It needs p.mu, which the
// closing, that may take a while, must not hold.
func (p *Pool) end(l *Lease) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.s != nil {
		p.ending.Go(func() { _ = l.s.Close() }) // nothing is open any more
	}
}

// Close ends all sessions, in use or not. There will be no new ones. Wait waits
// for those that end in the background.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	all := make([]*Lease, 0, len(p.bySeat))
	for _, l := range p.bySeat {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, l := range all {
		<-l.ready
		p.retire(l)
		if l.s != nil {
			_ = l.s.Close() // transfers that are still open fail and are logged
		}
	}
}

// Wait waits, after Close, until all sessions have ended.
func (p *Pool) Wait() { p.ending.Wait() }
