package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testOutbox(t *testing.T, f *fixture) {
	t.Run("pending", func(t *testing.T) { testPending(t, f) })
	t.Run("settle", func(t *testing.T) { testSettle(t, f) })
	t.Run("settle without intention", func(t *testing.T) { testSettleNoIntention(t, f) })
	t.Run("settle unknown", func(t *testing.T) { testSettleUnknown(t, f) })
	t.Run("settle once", func(t *testing.T) { testSettleOnce(t, f) })
	t.Run("settle amends", func(t *testing.T) { testSettleAmends(t, f) })
	t.Run("settle cancelled", func(t *testing.T) { testSettleCancelled(t, f) })
	t.Run("targets", func(t *testing.T) { testTargets(t, f) })
}

// settle records one event for target "hook" without touching usage.
func settle(t *testing.T, s dataprovider.Store, eventID string, keys ...string) {
	t.Helper()
	settleFor(t, s, []string{"hook"}, eventID, keys...)
}

func settleFor(t *testing.T, s dataprovider.Store, targets []string, eventID string, keys ...string) {
	t.Helper()
	_, err := s.Outbox().Settle(t.Context(), 0, dataprovider.Settlement{
		EventID: eventID, Event: []byte("event " + eventID), Keys: keys, Targets: targets,
	})
	must(t, err)
}

// claim leases up to n deliveries of target for a minute.
func claim(t *testing.T, s dataprovider.Store, target string, n int) []dataprovider.Delivery {
	t.Helper()
	return value[[]dataprovider.Delivery](t)(s.Outbox().Claim(t.Context(), target, n, time.Minute))
}

// expect claims from "hook" and compares the event ids.
func expect(t *testing.T, s dataprovider.Store, n int, want ...string) []dataprovider.Delivery {
	t.Helper()
	got := claim(t, s, "hook", n)
	var ids []string
	for _, d := range got {
		ids = append(ids, d.EventID)
	}
	if d := cmp.Diff(want, ids); d != "" {
		t.Fatal("claimed events (-want +got):\n" + d)
	}
	return got
}

func done(t *testing.T, s dataprovider.Store, ds ...dataprovider.Delivery) {
	t.Helper()
	var ids []int64
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	must(t, s.Outbox().Done(t.Context(), ids...))
}

// backlog compares what waits; Oldest to the microsecond.
func backlog(t *testing.T, s dataprovider.Store, want ...dataprovider.Backlog) {
	t.Helper()
	got := value[[]dataprovider.Backlog](t)(s.Outbox().Backlog(t.Context()))
	same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.IsZero() == b.IsZero() })
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Error("backlog (-want +got):\n" + d)
	}
}

func pending(t *testing.T, s dataprovider.Store) (out []dataprovider.Pending) {
	t.Helper()
	for p, err := range s.Outbox().Pending(t.Context()) {
		must(t, err)
		out = append(out, p)
	}
	return out
}

func testPending(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	if got := pending(t, s); len(got) != 0 {
		t.Fatalf("an empty store has pending records: %v", got)
	}
	const n = 300 // more than any page of a store
	var want []dataprovider.Pending
	for i := range n {
		rec := []byte(name("record ", i) + "\x00\xff")
		id := value[int64](t)(o.Begin(ctx, rec))
		if id <= 0 {
			t.Fatalf("id %d: 0 stands for none", id)
		}
		want = append(want, dataprovider.Pending{ID: id, Record: rec})
	}
	if d := cmp.Diff(want, pending(t, s)); d != "" {
		t.Error("pending (-want +got):\n" + d)
	}
	must(t, o.Drop(ctx, want[1].ID))
	must(t, o.Drop(ctx, want[1].ID)) // again: no error
	must(t, o.Drop(ctx, 1<<40))
	must(t, o.Drop(ctx, 0))
	value[amount](t)(o.Settle(ctx, want[0].ID, dataprovider.Settlement{}))
	if d := cmp.Diff(want[2:], pending(t, s)); d != "" {
		t.Error("pending after one Drop and one Settle (-want +got):\n" + d)
	}
	// The loop of a recovery settles what it stands on.
	seen := 0
	for p, err := range o.Pending(ctx) {
		must(t, err)
		must(t, o.Drop(ctx, p.ID))
		seen++
	}
	if seen != n-2 || len(pending(t, s)) != 0 {
		t.Errorf("saw %d of %d, %d left", seen, n-2, len(pending(t, s)))
	}
	// An id is never used again: a late Drop or Settle hits nothing.
	if id := value[int64](t)(o.Begin(ctx, nil)); id <= want[n-1].ID {
		t.Errorf("id %d after %d", id, want[n-1].ID)
	}
}

func testSettle(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	id := value[int64](t)(o.Begin(ctx, []byte("intention")))
	event := []byte(`{"id":"01"}` + "\x00\xff")
	got := value[amount](t)(o.Settle(ctx, id, dataprovider.Settlement{
		EventID: "01", Event: event, Keys: []string{"/a"}, Targets: []string{"hook"},
		Owner: "alice", Delta: amount{Files: 1, Bytes: 10},
	}))
	if want := (amount{Files: 1, Bytes: 10}); got != want {
		t.Errorf("usage after Settle = %+v, want %+v", got, want)
	}
	settled := c.now()
	record(t, s, "alice", dataprovider.UsageRecord{Amount: got, LastUpdate: settled})
	if p := pending(t, s); len(p) != 0 {
		t.Errorf("still pending: %v", p)
	}
	backlog(t, s, dataprovider.Backlog{Target: "hook", Queued: 1, Oldest: settled})
	c.advance(time.Second)

	ds := claim(t, s, "hook", 10)
	if len(ds) != 1 {
		t.Fatalf("claimed %d deliveries", len(ds))
	}
	if !ds[0].Settled.Equal(settled) {
		t.Errorf("Settled = %v, want %v", ds[0].Settled, settled)
	}
	want := dataprovider.Delivery{
		ID: ds[0].ID, EventID: "01", Event: event, Target: "hook", Attempt: 1, Settled: ds[0].Settled,
	}
	if d := cmp.Diff(want, ds[0]); d != "" {
		t.Error("delivery (-want +got):\n" + d)
	}
	backlog(t, s, dataprovider.Backlog{Target: "hook", Queued: 1, Oldest: settled})
	done(t, s, ds...)
	done(t, s, ds...) // again: no error
	done(t, s)
	backlog(t, s)
}

// testSettleAmends: the intentions of others change with a settlement, or not at
// all; those that have gone do not come back.
func testSettleAmends(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	first := value[int64](t)(o.Begin(ctx, []byte("first")))
	other := value[int64](t)(o.Begin(ctx, []byte("other")))
	gone := value[int64](t)(o.Begin(ctx, []byte("gone")))
	must(t, o.Drop(ctx, gone))
	amended := []dataprovider.Pending{{ID: other, Record: []byte("moved")}, {ID: gone, Record: []byte("back")}}
	if _, err := o.Settle(ctx, gone, dataprovider.Settlement{Amended: amended}); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("settle of what has gone: %v", err)
	}
	want := []dataprovider.Pending{{ID: first, Record: []byte("first")}, {ID: other, Record: []byte("other")}}
	if d := cmp.Diff(want, pending(t, s)); d != "" {
		t.Error("after a settlement that failed (-want +got):\n" + d)
	}
	value[amount](t)(o.Settle(ctx, first, dataprovider.Settlement{Amended: amended}))
	if d := cmp.Diff(amended[:1], pending(t, s)); d != "" {
		t.Error("after the settlement (-want +got):\n" + d)
	}
}

func testSettleNoIntention(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	id := value[int64](t)(o.Begin(ctx, []byte("of somebody else")))
	// Usage without an event, an event without usage, neither.
	got := value[amount](t)(o.Settle(ctx, 0, dataprovider.Settlement{Owner: "alice", Delta: amount{Files: 2, Bytes: 5}}))
	if want := (amount{Files: 2, Bytes: 5}); got != want {
		t.Errorf("usage = %+v, want %+v", got, want)
	}
	backlog(t, s)
	settle(t, s, "e1", "/a")
	if got := value[amount](t)(o.Settle(ctx, 0, dataprovider.Settlement{})); got != (amount{}) {
		t.Errorf("usage of nobody = %+v", got)
	}
	// No owner: the delta is nobody's.
	if got := value[amount](t)(o.Settle(ctx, 0, dataprovider.Settlement{Delta: amount{Files: 1}})); got != (amount{}) {
		t.Errorf("usage of nobody = %+v", got)
	}
	// An owner without a change is told what is counted.
	if got := value[amount](t)(o.Settle(ctx, 0, dataprovider.Settlement{Owner: "alice"})); got != (amount{Files: 2, Bytes: 5}) {
		t.Errorf("usage = %+v", got)
	}
	expect(t, s, 10, "e1")
	if p := pending(t, s); len(p) != 1 || p[0].ID != id {
		t.Errorf("pending: %v, want only %d", p, id)
	}
}

func testSettleUnknown(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	full := dataprovider.Settlement{
		EventID: "e", Event: []byte("e"), Keys: []string{"/a"}, Targets: []string{"hook"},
		Owner: "alice", Delta: amount{Files: 1, Bytes: 1},
	}
	dropped := value[int64](t)(o.Begin(ctx, nil))
	must(t, o.Drop(ctx, dropped))
	settled := value[int64](t)(o.Begin(ctx, nil))
	value[amount](t)(o.Settle(ctx, settled, dataprovider.Settlement{}))
	for _, id := range []int64{dropped, settled, 1 << 40, -1} {
		if _, err := o.Settle(ctx, id, full); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Settle %d: %v, want ErrNotFound", id, err)
		}
	}
	record(t, s, "alice", dataprovider.UsageRecord{})
	backlog(t, s)
	settle(t, s, "next", "/a") // no key is held by what was refused
	expect(t, s, 10, "next")
}

// Of two that settle the same intention, one wins.
func testSettleOnce(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, o := t.Context(), s.Outbox()
	const rounds = 20
	var wg sync.WaitGroup
	for range rounds {
		id := value[int64](t)(o.Begin(ctx, nil))
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = o.Settle(ctx, id, dataprovider.Settlement{
					EventID: "e", Targets: []string{"hook"}, Owner: "alice", Delta: amount{Files: 1},
				})
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
	if got := value[dataprovider.UsageRecord](t)(s.Usage().Get(ctx, "alice")); got.Files != rounds {
		t.Errorf("counted %d, want %d", got.Files, rounds)
	}
	if n := len(claim(t, s, "hook", 1000)); n != rounds {
		t.Errorf("%d deliveries, want %d", n, rounds)
	}
}

func testSettleCancelled(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	id := value[int64](t)(s.Outbox().Begin(t.Context(), []byte("r")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Outbox().Settle(ctx, id, dataprovider.Settlement{
		EventID: "e", Targets: []string{"hook"}, Owner: "alice", Delta: amount{Files: 1},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Settle: %v, want context.Canceled", err)
	}
	record(t, s, "alice", dataprovider.UsageRecord{})
	backlog(t, s)
	if p := pending(t, s); len(p) != 1 {
		t.Errorf("pending: %v, want the one intention", p)
	}
}

// Targets do not wait for one another.
func testTargets(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settleFor(t, s, []string{"a", "b"}, "e1", "/x")
	settleFor(t, s, []string{"b", "b"}, "e2", "/x") // named twice, told once
	start := c.now()
	a := claim(t, s, "a", 10)
	if len(a) != 1 || a[0].EventID != "e1" || a[0].Target != "a" {
		t.Fatalf("a: %+v", a)
	}
	b := claim(t, s, "b", 10)
	if len(b) != 1 || b[0].EventID != "e1" || b[0].Target != "b" || b[0].ID == a[0].ID {
		t.Fatalf("b: %+v", b)
	}
	if none := claim(t, s, "c", 10); len(none) != 0 {
		t.Fatalf("c: %+v", none)
	}
	backlog(t, s,
		dataprovider.Backlog{Target: "a", Queued: 1, Oldest: start},
		dataprovider.Backlog{Target: "b", Queued: 2, Oldest: start})
	done(t, s, b...)
	if b = claim(t, s, "b", 10); len(b) != 1 || b[0].EventID != "e2" {
		t.Fatalf("b after Done: %+v", b)
	}
	done(t, s, b...)
	backlog(t, s, dataprovider.Backlog{Target: "a", Queued: 1, Oldest: start})
	done(t, s, a...)
	backlog(t, s)
}
