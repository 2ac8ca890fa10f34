package ftpd

import (
	"fmt"
	"net/netip"
	"testing"
)

func waiting(addr string) *client { return &client{remote: netip.MustParseAddr(addr)} }

func TestLobbyEvictsTheOldest(t *testing.T) {
	l := newLobby(3, 10)
	var all []*client
	for i := range 3 {
		c := waiting(fmt.Sprintf("192.0.2.%d", i))
		all = append(all, c)
		if evicted, ok := l.enter(c); evicted != nil || !ok {
			t.Fatalf("client %d: evicted %v, ok %v", i, evicted, ok)
		}
	}
	l.leave(all[0]) // logged in
	l.leave(all[0]) // and gone
	if evicted, _ := l.enter(waiting("192.0.2.9")); evicted != nil {
		t.Error("somebody had to go although there was room")
	}
	if evicted, ok := l.enter(waiting("192.0.2.10")); evicted != all[1] || !ok {
		t.Errorf("evicted %p, want the oldest that waits, %p", evicted, all[1])
	}
}

func TestLobbyPerAddress(t *testing.T) {
	tests := []struct {
		name, addr, same, other string
	}{
		{"IPv4", "192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"IPv6 counts by /64", "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"},
	}
	for _, tt := range tests {
		l := newLobby(100, 2)
		first := waiting(tt.addr)
		l.enter(first)
		l.enter(waiting(tt.addr))
		if _, ok := l.enter(waiting(tt.same)); ok {
			t.Errorf("%s: %s entered as the third", tt.name, tt.same)
		}
		if _, ok := l.enter(waiting(tt.other)); !ok {
			t.Errorf("%s: %s was refused", tt.name, tt.other)
		}
		l.leave(first)
		if _, ok := l.enter(waiting(tt.same)); !ok {
			t.Errorf("%s: no room after one has left", tt.name)
		}
	}
}
