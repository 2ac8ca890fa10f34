// Package waiting holds back clients that have not logged in.
package waiting

import (
	"container/list"
	"net/netip"
	"sync"
)

// Room bounds the connections that are not logged in, overall and per peer. When
// it is full, who has waited longest goes: a client that logs in is through in no
// time, and peers that only hold connections open cannot lock others out. It is
// safe for concurrent use.
type Room struct {
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

// NewRoom makes an empty room for that many connections, and so many of one peer:
// of an IPv4 address or an IPv6 /64.
func NewRoom(max, maxPerPeer int) *Room {
	return &Room{max: max, maxPerPeer: maxPerPeer, all: list.New(), peers: map[netip.Prefix]*list.List{}}
}

// Enter lets a connection in. If another has to go for it, that one's leave is
// called, which must not block. The function returned takes the connection out;
// it may be called more than once.
func (r *Room) Enter(addr netip.Addr, leave func()) (out func()) {
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

func (r *Room) evict(w *waiter) {
	r.remove(w)
	w.leave()
}

func (r *Room) remove(w *waiter) {
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
