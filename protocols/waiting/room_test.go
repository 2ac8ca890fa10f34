package waiting

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoom(t *testing.T) {
	r := NewRoom(4, 2)
	gone := []string{}
	outs := map[string]func(){}
	enter := func(name, addr string) {
		outs[name] = r.Enter(netip.MustParseAddr(addr), func() { gone = append(gone, name) })
	}
	want := func(names ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, names...), gone); diff != "" {
			t.Errorf("gone (-want +got):\n%s", diff)
		}
		gone = []string{}
	}
	enter("a1", "192.0.2.1")
	enter("a2", "192.0.2.1")
	want()
	enter("a3", "192.0.2.1")
	want("a1") // the oldest of the peer
	enter("b1", "192.0.2.2")
	enter("c1", "2001:db8::1")
	want()
	enter("c2", "2001:db8::ffff") // same /64
	want("a2")                    // the room is full: the oldest of all
	enter("c3", "2001:db8::2")
	want("c1")
	outs["a3"]()
	outs["a3"]()
	outs["a1"]() // gone already
	enter("d1", "192.0.2.3")
	want()
	for _, out := range outs {
		out()
	}
	if r.all.Len() != 0 || len(r.peers) != 0 {
		t.Errorf("%d waiting, %d peers after all are out", r.all.Len(), len(r.peers))
	}
	for i := range 10 {
		enter(fmt.Sprint(i), fmt.Sprintf("198.51.100.%d", i))
	}
	if r.all.Len() != 4 {
		t.Errorf("%d waiting, limit 4", r.all.Len())
	}
}
