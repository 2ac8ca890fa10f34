package outbox_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// Each target gets what it wants, whatever others want and whatever came before.
func TestRouteByFilter(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	var targets []outbox.Target
	for _, name := range names {
		to := target(name, new(sink))
		if name != "b" { // which wants all
			to.Wants = func(e *actions.Event) bool { return strings.Contains(e.Object.Name, name) }
		}
		targets = append(targets, to)
	}
	d, err := outbox.New(newStore(), outbox.Hooks{Targets: targets}, nil, new(logs).logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for bits := range 2 << len(names) {
		var name string
		var want []string
		for i, n := range names {
			if bits&(1<<i) != 0 {
				name += n
			}
			if bits&(1<<i) != 0 || n == "b" {
				want = append(want, n)
			}
		}
		e := &actions.Event{Kind: actions.UploadDone, Object: actions.Object{Name: name}}
		if diff := cmp.Diff(want, d.Route(e), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", name, diff)
		}
	}
}
