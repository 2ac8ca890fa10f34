package webdavd

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
)

// linger is how long a session waits for the next request of its client. HTTP
// has no logout.
const linger = time.Minute

// pool keeps the sessions of clients between their requests: one per user,
// address and login method. Between requests a session is parked, so that it
// does not count against the limits of the user.
type pool struct {
	manager *session.Manager
	linger  time.Duration

	mu     sync.Mutex
	closed bool
	bySeat map[seat]*lease
	ending sync.WaitGroup // sessions being closed
}

var errOpening = errors.New("the session could not be opened")

// seat is who a session belongs to.
type seat struct {
	user   string
	remote netip.Addr
	method string
}

// lease is one session and the requests that use it.
type lease struct {
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

func newPool(m *session.Manager) *pool {
	return &pool{manager: m, linger: linger, bySeat: map[seat]*lease{}}
}

// acquire returns the session of id at remote, opened if there is none. Each
// acquire needs a release. A session of an older record is closed when its last
// request has ended; this one gets a new session.
func (p *pool) acquire(ctx context.Context, id auth.Identity, remote netip.Addr) (*lease, error) {
	at := seat{id.User.Username, remote, id.Method}
	for {
		l, fresh, err := p.join(at, id.Revision)
		if err != nil {
			return nil, err
		}
		if fresh {
			p.open(ctx, l, id)
		}
		select {
		case <-l.ready:
		case <-ctx.Done():
			p.release(l)
			return nil, ctx.Err()
		}
		err = l.err
		if err == nil {
			err = l.s.Resume()
		}
		if err == nil {
			return l, nil
		}
		p.retire(l)
		p.release(l)
		if fresh || !errors.Is(err, session.ErrClosed) {
			return nil, err
		}
		// The session was ended by the server meanwhile: take a new one.
	}
}

// join adds a user to the lease of a seat. fresh tells that the caller must open
// the session.
func (p *pool) join(at seat, rev dataprovider.Revision) (l *lease, fresh bool, err error) {
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
		l, fresh = &lease{seat: at, revision: rev, ready: make(chan struct{})}, true
		p.bySeat[at] = l
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.users++
	return l, fresh, nil
}

func (p *pool) open(ctx context.Context, l *lease, id auth.Identity) {
	defer close(l.ready)
	l.err = errOpening // stays if storage panics
	l.s, l.err = p.manager.Open(context.WithoutCancel(ctx), id.User, session.Peer{
		Protocol:   protocols.DAV,
		ID:         protocols.DAV + "_" + rand.Text(),
		Remote:     l.seat.remote,
		Method:     id.Method,
		Disconnect: func() { p.retire(l) },
	})
}

// release ends one use. The last one parks the session, or closes it.
func (p *pool) release(l *lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	if l.retired {
		p.end(l)
		return
	}
	l.s.Park()
	l.timer = time.AfterFunc(p.linger, func() { p.expire(l) })
}

func (p *pool) expire(l *lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users == 0 && !l.retired {
		p.retireLocked(l)
	}
}

// retire takes a session out of use.
func (p *pool) retire(l *lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retireLocked(l)
}

func (p *pool) retireLocked(l *lease) {
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
func (p *pool) end(l *lease) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.s != nil {
		p.ending.Go(func() { _ = l.s.Close() }) // nothing is open any more
	}
}

// close ends all sessions, in use or not. There will be no new ones.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	all := make([]*lease, 0, len(p.bySeat))
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
