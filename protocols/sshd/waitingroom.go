package sshd

import (
	"container/list"
	"net/netip"
	"sync"
)

// waitingRoom bounds the connections that are not logged in, overall and per
// peer. When it is full, who has waited longest goes: a client that logs in is
// through in no time, and peers that only hold connections open cannot lock
// others out.
type waitingRoom struct {
	max, maxPerPeer int

	mu    sync.Mutex
	all   *list.List // of *waiter, oldest first
	peers map[netip.Prefix]*list.List
}

type waiter struct {
	peer  netip.Prefix
	leave func() // closes the connection

	inAll, inPeer *list.Element // nil once out
}

func newWaitingRoom(max, maxPerPeer int) *waitingRoom {
	return &waitingRoom{max: max, maxPerPeer: maxPerPeer, all: list.New(), peers: map[netip.Prefix]*list.List{}}
}

// enter lets a connection in. If another has to go for it, that one's leave is
// called, which must not block. The function returned takes the connection out;
// it may be called more than once.
func (r *waitingRoom) enter(addr netip.Addr, leave func()) (out func()) {
	w := &waiter{peer: peerOf(addr), leave: leave}
	r.mu.Lock()
	defer r.mu.Unlock()
	mine := r.peers[w.peer]
	switch {
	case mine != nil && mine.Len() >= r.maxPerPeer:
		r.evict(mine.Front().Value.(*waiter))
	case r.all.Len() >= r.max:
		r.evict(r.all.Front().Value.(*waiter))
	}
	mine = r.peers[w.peer]
	if mine == nil {
		mine = list.New()
		r.peers[w.peer] = mine
	}
	w.inAll, w.inPeer = r.all.PushBack(w), mine.PushBack(w)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.remove(w)
	}
}

func (r *waitingRoom) evict(w *waiter) {
	r.remove(w)
	w.leave()
}

func (r *waitingRoom) remove(w *waiter) {
	if w.inAll == nil {
		return
	}
	r.all.Remove(w.inAll)
	mine := r.peers[w.peer]
	mine.Remove(w.inPeer)
	if mine.Len() == 0 {
		delete(r.peers, w.peer)
	}
	w.inAll, w.inPeer = nil, nil
}

// peerOf is what counts as one peer: an IPv4 address, or the /64 that one IPv6
// customer has.
func peerOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // the zero address: no TCP
	}
	return p
}
