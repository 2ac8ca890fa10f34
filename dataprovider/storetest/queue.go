package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testQueue(t *testing.T, f *fixture) {
	t.Run("queue", func(t *testing.T) { testQueueStates(t, f) })
	t.Run("queue of many", func(t *testing.T) { testQueueOfMany(t, f) })
	t.Run("revive dead", func(t *testing.T) { testReviveDead(t, f) })
	t.Run("revive resting", func(t *testing.T) { testReviveResting(t, f) })
	t.Run("revive others", func(t *testing.T) { testReviveOthers(t, f) })
}

// queued returns the deliveries of "hook" by event id.
func queued(t *testing.T, s dataprovider.Store) map[string]dataprovider.QueuedDelivery {
	t.Helper()
	all := map[string]dataprovider.QueuedDelivery{}
	for d, err := range s.Outbox().Queue(t.Context(), 0) {
		must(t, err)
		all[d.EventID] = d
	}
	return all
}

func testQueueStates(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "dead", "/dead")
	settle(t, s, "resting", "/resting")
	settle(t, s, "claimed", "/claimed")
	ds := expect(t, s, 10, "dead", "resting", "claimed")
	settle(t, s, "blocked", "/claimed")
	settle(t, s, "ready", "/ready")
	at := c.now().Add(time.Hour)
	must(t, s.Outbox().Bury(t.Context(), ds[0].ID, failure("gave up")))
	must(t, s.Outbox().Retry(t.Context(), ds[1].ID, at, failure("away")))

	got := queued(t, s)
	for id, want := range map[string]dataprovider.QueuedDelivery{
		"dead":    {State: dataprovider.DeliveryDead, Due: c.now(), Cause: "gave up", Delivery: dataprovider.Delivery{Attempt: 1}},
		"resting": {State: dataprovider.DeliveryResting, Due: at, Cause: "away", Delivery: dataprovider.Delivery{Attempt: 1}},
		"claimed": {State: dataprovider.DeliveryClaimed, Due: c.now().Add(time.Minute), Delivery: dataprovider.Delivery{Attempt: 1}},
		"blocked": {State: dataprovider.DeliveryBlocked},
		"ready":   {State: dataprovider.DeliveryReady},
	} {
		d := got[id]
		if d.State != want.State || d.Cause != want.Cause || d.Attempt != want.Attempt || d.Due.IsZero() != want.Due.IsZero() ||
			d.Due.Sub(want.Due).Abs() > time.Millisecond {
			t.Errorf("%s: %+v, want %+v", id, d, want)
		}
		if d.Target != "hook" || string(d.Event) != "event "+id || d.Settled.IsZero() {
			t.Errorf("%s: %+v", id, d)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d deliveries", len(got))
	}
	c.advance(2 * time.Hour)
	got = queued(t, s)
	if got["resting"].State != dataprovider.DeliveryReady || got["claimed"].State != dataprovider.DeliveryReady {
		t.Errorf("what came due: %+v and %+v", got["resting"], got["claimed"])
	}
}

func testQueueOfMany(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	const n = 1200 // more than a page of any store
	for range n {
		settle(t, s, "E")
	}
	var ids []int64
	for d, err := range s.Outbox().Queue(t.Context(), 0) {
		must(t, err)
		if len(ids) > 0 && d.ID <= ids[len(ids)-1] {
			t.Fatalf("%d after %d", d.ID, ids[len(ids)-1])
		}
		ids = append(ids, d.ID)
	}
	if len(ids) != n {
		t.Fatalf("%d deliveries, want %d", len(ids), n)
	}
	var rest int
	for d, err := range s.Outbox().Queue(t.Context(), ids[n-3]) {
		must(t, err)
		if rest++; rest == 2 && d.ID != ids[n-1] {
			t.Errorf("last is %d, want %d", d.ID, ids[n-1])
		}
	}
	if rest != 2 {
		t.Errorf("%d after the third last", rest)
	}
}

// A dead letter that is revived starts anew, and is in nobody's way.
func testReviveDead(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "first", "/a")
	d := expect(t, s, 1, "first")[0]
	must(t, s.Outbox().Bury(t.Context(), d.ID, failure("gave up")))
	settle(t, s, "second", "/a")
	must(t, s.Outbox().Revive(t.Context(), d.ID))
	got := expect(t, s, 10, "first", "second")
	if got[0].Attempt != 1 {
		t.Errorf("attempt %d", got[0].Attempt)
	}
	settle(t, s, "third", "/a")
	done(t, s, got[0])
	expect(t, s, 10) // the second is before it
	done(t, s, got[1])
	done(t, s, expect(t, s, 10, "third")...)
	backlog(t, s)

	// One that died behind another.
	settle(t, s, "before", "/b")
	settle(t, s, "behind", "/b")
	must(t, s.Outbox().Bury(t.Context(), queued(t, s)["behind"].ID, failure("dropped")))
	must(t, s.Outbox().Revive(t.Context(), queued(t, s)["behind"].ID))
	done(t, s, expect(t, s, 10, "before", "behind")...)
	backlog(t, s)
}

func testReviveResting(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "first", "/a")
	settle(t, s, "second", "/a")
	d := expect(t, s, 10, "first")[0]
	must(t, s.Outbox().Retry(t.Context(), d.ID, c.now().Add(time.Hour), failure("away")))
	expect(t, s, 10)
	must(t, s.Outbox().Revive(t.Context(), d.ID))
	got := expect(t, s, 10, "first")
	if got[0].Attempt != 2 {
		t.Errorf("attempt %d", got[0].Attempt)
	}
	done(t, s, got...)
	expect(t, s, 10, "second")
}

func testReviveOthers(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "first", "/a")
	must(t, s.Outbox().Revive(t.Context(), queued(t, s)["first"].ID)) // due anyway
	d := expect(t, s, 10, "first")[0]
	settle(t, s, "second", "/a")
	for _, id := range []string{"first", "second"} {
		if err := s.Outbox().Revive(t.Context(), queued(t, s)[id].ID); !errors.Is(err, dataprovider.ErrConflict) {
			t.Errorf("%s: %v", id, err)
		}
	}
	done(t, s, d)
	if err := s.Outbox().Revive(t.Context(), d.ID); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("gone: %v", err)
	}
	if d := cmp.Diff(1, len(queued(t, s))); d != "" {
		t.Error(d)
	}
}
