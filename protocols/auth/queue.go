package auth

import (
	"context"
	"net/netip"
	"sync"
)

// queue lets a bounded number of password checks run and a bounded number wait.
// Each takes tens of milliseconds of a core and as much memory as argon2id is
// told to. Peers take turns: who tries thousands of passwords waits for his own,
// and a client from elsewhere is next. It is safe for concurrent use.
type queue struct {
	slots, room int

	mu      sync.Mutex
	running int
	waiting int
	peers   []*peerLine // that have somebody waiting; the first one's turn is next
}

// peerLine is who waits from one peer, first come first served.
type peerLine struct {
	peer    netip.Prefix
	waiters []*waiter
}

type waiter struct {
	done chan struct{}
	err  error // set before done is closed
}

// newQueue returns a queue for slots at a time and room waiting.
func newQueue(slots, room int) *queue { return &queue{slots: slots, room: room} }

// enter waits for a slot. When the room is full, the last one of the peer with
// the longest line is told ErrBusy: that is the caller if it is his.
func (q *queue) enter(ctx context.Context, remote netip.Addr) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, err := q.join(peerOf(remote))
	if err != nil {
		return nil, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if q.abandon(w) {
			return nil, ctx.Err()
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	return sync.OnceFunc(q.leave), nil
}

func (q *queue) join(peer netip.Prefix) (*waiter, error) {
	w := &waiter{done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < q.slots {
		q.running++
		close(w.done)
		return w, nil
	}
	mine := q.lineOf(peer)
	if q.waiting >= q.room {
		longest := q.longest()
		if mine != nil && len(mine.waiters) >= len(longest.waiters) || len(longest.waiters) == 1 {
			return nil, ErrBusy
		}
		last := longest.waiters[len(longest.waiters)-1]
		longest.waiters = longest.waiters[:len(longest.waiters)-1]
		q.waiting--
		last.err = ErrBusy
		close(last.done)
	}
	if mine == nil {
		mine = &peerLine{peer: peer}
		q.peers = append(q.peers, mine)
	}
	mine.waiters = append(mine.waiters, w)
	q.waiting++
	return w, nil
}

// leave gives the slot to the next peer in turn.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.peers) == 0 {
		q.running--
		return
	}
	next := q.peers[0]
	w := next.waiters[0]
	next.waiters = next.waiters[1:]
	q.peers = q.peers[1:]
	if len(next.waiters) > 0 {
		q.peers = append(q.peers, next)
	}
	q.waiting--
	close(w.done)
}

// abandon takes out one who gave up, or reports that his turn had come already.
func (q *queue) abandon(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, line := range q.peers {
		for j := range line.waiters {
			if line.waiters[j] != w {
				continue
			}
			line.waiters = append(line.waiters[:j:j], line.waiters[j+1:]...)
			if len(line.waiters) == 0 {
				q.peers = append(q.peers[:i:i], q.peers[i+1:]...)
			}
			q.waiting--
			return true
		}
	}
	return false
}

func (q *queue) lineOf(peer netip.Prefix) *peerLine {
	for _, line := range q.peers {
		if line.peer == peer {
			return line
		}
	}
	return nil
}

func (q *queue) longest() *peerLine {
	longest := q.peers[0]
	for _, line := range q.peers[1:] {
		if len(line.waiters) > len(longest.waiters) {
			longest = line
		}
	}
	return longest
}

// peerOf is what takes turns: an IPv4 address, or the /64 that one IPv6 customer
// has.
func peerOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // of nobody
	}
	return p
}
