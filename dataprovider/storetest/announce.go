package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testAnnounce(t *testing.T, f *fixture) {
	t.Run("ends", func(t *testing.T) { testAnnounced(t, f) })
	t.Run("ends once", func(t *testing.T) { testEndsOnce(t, f) })
	t.Run("once", func(t *testing.T) { testAnnouncedOnce(t, f) })
	t.Run("model", func(t *testing.T) { testAnnouncedModel(t, f) })
}

// An intention that was announced is one like any other, however it ends.
func testAnnounced(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	announce := func(record string) int64 { return value[int64](t)(o.Announce(ctx, []byte(record))) }
	begun := value[int64](t)(o.Begin(ctx, []byte("begun")))
	kept, dropped, told, counted, amended := announce("kept"), announce("dropped"), announce("told"), announce("counted"), announce("amended")
	for i, id := range []int64{kept, dropped, told, counted, amended} {
		if id <= begun+int64(i) {
			t.Errorf("ids do not grow: %d", id)
		}
	}
	must(t, o.Drop(ctx, dropped))
	must(t, o.Drop(ctx, dropped)) // again: no error
	settled := c.now()
	event := dataprovider.Settlement{EventID: "e1", Event: []byte("event e1"), Keys: []string{"/a"}, Targets: []string{"hook", "hook", "other"}}
	event.Amended = []dataprovider.Pending{{ID: amended, Record: []byte("anew")}, {ID: begun, Record: []byte("too")}, {ID: dropped, Record: []byte("back")}}
	value[amount](t)(o.Settle(ctx, told, event))
	event.Event[0], event.Amended[0].Record[0] = 'X', 'X' // it is the store's by now
	event.Amended = nil
	for _, id := range []int64{told, dropped, 1 << 40} {
		if _, err := o.Settle(ctx, id, event); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Settle %d: %v", id, err)
		}
	}
	sum := value[amount](t)(o.Settle(ctx, counted, dataprovider.Settlement{
		EventID: "e2", Event: []byte("event e2"), Keys: []string{"/a"}, Targets: []string{"hook"}, Owner: "alice", Delta: amount{Files: 1, Bytes: 7},
	}))
	if sum != (amount{Files: 1, Bytes: 7}) {
		t.Errorf("usage %+v", sum)
	}
	backlog(t, s,
		dataprovider.Backlog{Target: "hook", Queued: 2, Oldest: settled},
		dataprovider.Backlog{Target: "other", Queued: 1, Oldest: settled})
	want := []dataprovider.Pending{{ID: begun, Record: []byte("too")}, {ID: kept, Record: []byte("kept")}, {ID: amended, Record: []byte("anew")}}
	if diff := cmp.Diff(want, pending(t, s)); diff != "" {
		t.Error("pending (-want +got):\n" + diff)
	}
	first := expect(t, s, 10, "e1")
	if string(first[0].Event) != "event e1" {
		t.Errorf("event %q", first[0].Event)
	}
	done(t, s, first...)
	done(t, s, expect(t, s, 10, "e2")...)
	must(t, o.Drop(ctx, kept))
	if id := announce("next"); id <= amended {
		t.Errorf("id %d after %d", id, amended)
	}
}

// An intention that has ended does not end again, whatever ways the two take.
func testEndsOnce(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	counted := dataprovider.Settlement{EventID: "e", Targets: []string{"hook"}, Owner: "alice", Delta: amount{Files: 1}}
	for _, begin := range []func() (int64, error){
		func() (int64, error) { return o.Announce(ctx, nil) },
		func() (int64, error) { return o.Begin(ctx, nil) },
	} {
		for _, looked := range []bool{false, true} {
			id := value[int64](t)(begin())
			if looked && len(pending(t, s)) != 1 {
				t.Error("it is not pending")
			}
			must(t, o.Drop(ctx, id))
			if _, err := o.Settle(ctx, id, counted); !errors.Is(err, dataprovider.ErrNotFound) {
				t.Errorf("settle of what was dropped: %v", err)
			}
		}
	}
	backlog(t, s)
	record(t, s, "alice", dataprovider.UsageRecord{})
}

// Of many that end one intention in different ways, one succeeds.
func testAnnouncedOnce(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	const rounds = 30
	for range rounds {
		id := value[int64](t)(o.Announce(ctx, nil))
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				with := dataprovider.Settlement{EventID: "e", Targets: []string{"hook"}}
				if i%2 == 1 {
					with.Owner, with.Delta = "alice", amount{Files: 1}
				}
				_, errs[i] = o.Settle(ctx, id, with)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, dataprovider.ErrNotFound):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d settled one intention", won)
		}
	}
	if n := len(claim(t, s, "hook", 1000)); n != rounds {
		t.Errorf("%d deliveries, want %d", n, rounds)
	}
}

// Whatever the ways that intentions and events take, what is settled first is
// delivered first, and nothing twice.
func testAnnouncedModel(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	rng := rand.New(rand.NewPCG(1, 2))
	open := map[int64]string{}
	var order []string
	for i := range 600 {
		id := int64(0)
		switch rng.IntN(4) {
		case 0:
			id = value[int64](t)(o.Begin(ctx, []byte(fmt.Sprint(i))))
		case 1, 2:
			id = value[int64](t)(o.Announce(ctx, []byte(fmt.Sprint(i))))
		}
		if id != 0 && rng.IntN(3) == 0 {
			if _, known := open[id]; known {
				t.Fatalf("id %d again", id)
			}
			open[id] = fmt.Sprint(i)
			continue
		}
		if id != 0 && rng.IntN(5) == 0 {
			must(t, o.Drop(ctx, id))
			continue
		}
		with := dataprovider.Settlement{EventID: fmt.Sprint(i), Keys: []string{"/same"}, Targets: []string{"hook"}}
		if rng.IntN(4) == 0 {
			with.Owner, with.Delta = "alice", amount{Bytes: 1}
		}
		value[amount](t)(o.Settle(ctx, id, with))
		order = append(order, with.EventID)
	}
	left := map[int64]string{}
	for _, p := range pending(t, s) {
		left[p.ID] = string(p.Record)
	}
	if diff := cmp.Diff(open, left); diff != "" {
		t.Error("pending (-want +got):\n" + diff)
	}
	for _, want := range order {
		done(t, s, expect(t, s, 10, want)...)
	}
	backlog(t, s)
}
