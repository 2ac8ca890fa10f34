package ftpd

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// The limits of clients that have not logged in.
const (
	maxWaiting           = 1024
	maxWaitingPerAddress = 256
	loginTime            = 2 * time.Minute
)

// lobby holds the clients that have not logged in. When it is full the one that
// waits longest has to go: a client that means it logs in within moments, so
// half-open connections cannot keep it out.
type lobby struct {
	max, perAddress int

	mu      sync.Mutex
	order   *list.List // of *client, longest waiting first
	places  map[*client]*list.Element
	address map[netip.Prefix]int
}

func newLobby(limit, perAddress int) *lobby {
	return &lobby{
		max: limit, perAddress: perAddress,
		order:   list.New(),
		places:  map[*client]*list.Element{},
		address: map[netip.Prefix]int{},
	}
}

// enter lets c in, and names the client that must make room for it. It refuses
// when too many clients of the address are waiting.
func (l *lobby) enter(c *client) (evicted *client, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := network(c.remote)
	if l.address[from] >= l.perAddress {
		return nil, false
	}
	if l.order.Len() >= l.max {
		evicted = l.order.Front().Value.(*client)
		l.remove(evicted)
	}
	l.places[c] = l.order.PushBack(c)
	l.address[from]++
	return evicted, true
}

// leave forgets c: it has logged in or gone.
func (l *lobby) leave(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(c)
}

func (l *lobby) remove(c *client) {
	place, ok := l.places[c]
	if !ok {
		return
	}
	l.order.Remove(place)
	delete(l.places, c)
	from := network(c.remote)
	if l.address[from]--; l.address[from] == 0 {
		delete(l.address, from)
	}
}

// network is what counts as one address: with IPv6 every host has a /64.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Addr has the zero Prefix
	return p
}
