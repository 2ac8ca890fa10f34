package storetest

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func testLifecycle(t *testing.T, f *fixture) {
	t.Run("lease", func(t *testing.T) { testLease(t, f) })
	t.Run("retry", func(t *testing.T) { testRetry(t, f) })
	t.Run("late retry", func(t *testing.T) { testLateRetry(t, f) })
	t.Run("release", func(t *testing.T) { testRelease(t, f) })
	t.Run("bury", func(t *testing.T) { testBury(t, f) })
	t.Run("unknown", func(t *testing.T) { testUnknownDelivery(t, f) })
	t.Run("backlog", func(t *testing.T) { testBacklog(t, f) })
	t.Run("ids", func(t *testing.T) { testDeliveryIDs(t, f) })
	t.Run("many retries due", func(t *testing.T) { testManyDue(t, f) })
	t.Run("concurrent", func(t *testing.T) { testConcurrentClaims(t, f) })
	t.Run("ping", func(t *testing.T) { testPing(t, f) })
}

func attempt(t *testing.T, d dataprovider.Delivery, want int) {
	t.Helper()
	if d.Attempt != want {
		t.Errorf("%s: attempt %d, want %d", d.EventID, d.Attempt, want)
	}
}

func testLease(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "e1", "/a")
	settle(t, s, "e2", "/b")
	first := expect(t, s, 1, "e1")
	c.advance(30 * time.Second)
	expect(t, s, 1, "e2")
	c.advance(30*time.Second - time.Millisecond)
	expect(t, s, 10) // e1's minute is not over
	c.advance(time.Millisecond)
	again := expect(t, s, 10, "e1")
	attempt(t, again[0], 2)
	if again[0].ID != first[0].ID {
		t.Error("the delivery changed its id")
	}
	c.advance(30 * time.Second)
	attempt(t, expect(t, s, 10, "e2")[0], 2)
	// The first holder was only slow: its acknowledgement counts.
	done(t, s, first...)
	c.advance(time.Hour)
	attempt(t, expect(t, s, 10, "e2")[0], 3)
}

func testRetry(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "e1", "/a")
	settle(t, s, "e2", "/b")
	ds := expect(t, s, 10, "e1", "e2")
	attempt(t, ds[0], 1)
	at := c.now().Add(10 * time.Minute)
	must(t, out.Retry(t.Context(), ds[0].ID, at, failure("HTTP 503")))
	c.advance(2 * time.Minute) // past the lease that it gave back
	expect(t, s, 10, "e2")
	c.advance(8*time.Minute - time.Millisecond)
	expect(t, s, 10, "e2")
	c.advance(time.Millisecond)
	ds = expect(t, s, 10, "e1")
	attempt(t, ds[0], 2)
	// A time that is past, even the zero time, means at once.
	must(t, out.Retry(t.Context(), ds[0].ID, time.Time{}, failure("")))
	ds = expect(t, s, 10, "e1")
	attempt(t, ds[0], 3)
	must(t, out.Retry(t.Context(), ds[0].ID, c.now().Add(-time.Hour), failure("once more")))
	attempt(t, expect(t, s, 10, "e1")[0], 4)
}

// A holder whose lease ran out may still give back, whether or not another one
// has claimed meanwhile.
func testLateRetry(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "e1", "/a")
	settle(t, s, "e2", "/b")
	settle(t, s, "e3", "/c")
	late := expect(t, s, 10, "e1", "e2", "e3")
	c.advance(time.Minute)
	now := expect(t, s, 1, "e1")
	must(t, out.Retry(t.Context(), late[0].ID, c.now().Add(time.Hour), failure("late")))
	must(t, out.Retry(t.Context(), late[1].ID, c.now().Add(2*time.Hour), failure("late")))
	expect(t, s, 10, "e3")
	must(t, out.Retry(t.Context(), now[0].ID, c.now().Add(time.Second), failure("the last word counts")))
	c.advance(time.Second)
	expect(t, s, 10, "e1")
	c.advance(2 * time.Hour)
	expect(t, s, 10, "e1", "e2", "e3")
}

// After a kill, what the dead process had claimed is due at once; what it had
// given back still waits for its time.
func testRelease(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "e1", "/a")
	settle(t, s, "e2", "/a")
	settle(t, s, "e3", "/b")
	settle(t, s, "e4", "/c")
	settleFor(t, s, []string{"other"}, "x", "/a")
	ds := expect(t, s, 10, "e1", "e3", "e4")
	claim(t, s, "other", 1)
	must(t, out.Retry(t.Context(), ds[1].ID, c.now().Add(time.Second), failure("503")))
	must(t, out.Bury(t.Context(), ds[2].ID, failure("410")))

	must(t, out.Release(t.Context(), "hook"))
	attempt(t, expect(t, s, 10, "e1")[0], 2)
	if ds := claim(t, s, "other", 1); len(ds) != 0 {
		t.Errorf("a lease of another target ended: %+v", ds)
	}
	c.advance(time.Second)
	expect(t, s, 10, "e3")
	must(t, out.Release(t.Context(), "nobody"))
	expect(t, s, 10)
}

func testBury(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "e1", "/a")
	ds := expect(t, s, 1, "e1")
	must(t, out.Bury(t.Context(), ds[0].ID, failure("gone for good")))
	backlog(t, s, dataprovider.Backlog{Target: "hook", Dead: 1})
	c.advance(time.Hour)
	expect(t, s, 10)
	for what, err := range map[string]error{
		"Retry": out.Retry(t.Context(), ds[0].ID, c.now(), failure("late")),
		"Bury":  out.Bury(t.Context(), ds[0].ID, failure("late")),
	} {
		if !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("%s of a dead letter: %v, want ErrNotFound", what, err)
		}
	}
	expect(t, s, 10)
	done(t, s, ds...)
	backlog(t, s)
}

func testUnknownDelivery(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "e1", "/a")
	ds := expect(t, s, 1, "e1")
	done(t, s, ds...)
	for _, id := range []int64{ds[0].ID, 1 << 40, 0, -1} {
		if err := out.Retry(t.Context(), id, c.now(), failure("")); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Retry %d: %v, want ErrNotFound", id, err)
		}
		if err := out.Bury(t.Context(), id, failure("")); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("Bury %d: %v, want ErrNotFound", id, err)
		}
		must(t, out.Done(t.Context(), id))
	}
	// Done of several: the unknown do not stop the known.
	settle(t, s, "e2", "/a")
	settle(t, s, "e3", "/b")
	two := expect(t, s, 10, "e2", "e3")
	must(t, out.Done(t.Context(), two[0].ID, ds[0].ID, 1<<40, two[1].ID))
	backlog(t, s)
}

func testBacklog(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	start := c.now()
	for i := range 3 { // e0 will be claimed, e1 and e2 wait behind it
		settle(t, s, name("e", i), "/a")
		c.advance(time.Minute)
	}
	settle(t, s, "retry", "/b")
	settle(t, s, "dead", "/c")
	settleFor(t, s, []string{"another"}, "x", "/a")
	last := c.now()
	ds := expect(t, s, 10, "e0", "retry", "dead")
	must(t, out.Retry(t.Context(), ds[1].ID, c.now().Add(time.Hour), failure("503")))
	must(t, out.Bury(t.Context(), ds[2].ID, failure("410")))
	backlog(t, s,
		dataprovider.Backlog{Target: "another", Queued: 1, Oldest: last},
		dataprovider.Backlog{Target: "hook", Queued: 4, Dead: 1, Oldest: start})
	done(t, s, ds[0])
	backlog(t, s,
		dataprovider.Backlog{Target: "another", Queued: 1, Oldest: last},
		dataprovider.Backlog{Target: "hook", Queued: 3, Dead: 1, Oldest: start.Add(time.Minute)})
}

// A late Done must never hit a newer delivery.
func testDeliveryIDs(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	var last int64
	for i := range 5 {
		settle(t, s, name("e", i), "/a")
		d := expect(t, s, 1, name("e", i))[0]
		if d.ID <= last {
			t.Fatalf("id %d after %d", d.ID, last)
		}
		last = d.ID
		done(t, s, d)
	}
}

// An endpoint was away for a while: everything comes due at the same moment, and
// new events arrive. Each is claimed, in order of age as far as it can be seen.
func testManyDue(t *testing.T, f *fixture) {
	s, c := f.store(t)
	const n = 600
	for i := range n {
		settle(t, s, name("e", i), name("/", i))
	}
	for _, d := range claim(t, s, "hook", n) {
		must(t, s.Outbox().Retry(t.Context(), d.ID, c.now().Add(time.Minute), failure("away")))
	}
	settle(t, s, "new", "/new")
	expect(t, s, 1, "new")
	c.advance(time.Minute)
	expect(t, s, 3, "e0", "e1", "e2")
	seen := map[string]bool{"new": true, "e0": true, "e1": true, "e2": true}
	for range n {
		for _, d := range claim(t, s, "hook", 7) {
			if seen[d.EventID] && d.EventID != "new" {
				t.Fatalf("%s was claimed twice", d.EventID)
			}
			seen[d.EventID] = true
			done(t, s, d)
		}
	}
	if len(seen) != n+1 {
		t.Errorf("claimed %d of %d", len(seen), n+1)
	}
}

// Eight workers claim while others settle: no delivery is out twice while its
// lease lives, each arrives, and the events of one file arrive in order.
func testConcurrentClaims(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, out := t.Context(), s.Outbox()
	const files, each = 16, 12
	var writers, workers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range each {
				for file := w; file < files; file += 4 {
					id, err := out.Begin(ctx, []byte("r"))
					if err == nil {
						_, err = out.Settle(ctx, id, dataprovider.Settlement{
							EventID: name("f", file), Event: []byte{byte(i)}, Keys: []string{name("/f", file)},
							Targets: []string{"hook"}, Owner: "alice", Delta: amount{Files: 1},
						})
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	var mu sync.Mutex
	next := map[string]byte{}   // number of the event that a file expects
	inHand := map[string]bool{} // files that a worker is just delivering
	total := 0
	deliver := func(d dataprovider.Delivery) error {
		mu.Lock()
		if inHand[d.EventID] {
			t.Errorf("%s is delivered by two workers", d.EventID)
		}
		inHand[d.EventID] = true
		if d.Event[0] != next[d.EventID] {
			t.Errorf("%s: event %d, want %d", d.EventID, d.Event[0], next[d.EventID])
		}
		next[d.EventID]++
		mu.Unlock()

		runtime.Gosched()

		mu.Lock()
		inHand[d.EventID] = false
		total++
		mu.Unlock()
		return out.Done(ctx, d.ID)
	}
	work := func() {
		for giveUp := time.Now().Add(30 * time.Second); time.Now().Before(giveUp); {
			ds, err := out.Claim(ctx, "hook", 5, time.Hour)
			for _, d := range ds {
				err = errors.Join(err, deliver(d))
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			all := total == files*each
			mu.Unlock()
			if all {
				return
			}
		}
	}
	for range 8 {
		workers.Go(work)
	}
	writers.Wait()
	workers.Wait()
	if total != files*each {
		t.Errorf("delivered %d of %d", total, files*each)
	}
	backlog(t, s)
	if got := value[dataprovider.UsageRecord](t)(s.Usage().Get(ctx, "alice")); got.Files != files*each {
		t.Errorf("counted %d of %d", got.Files, files*each)
	}
}

func testPing(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	must(t, s.Ping(t.Context()))
	must(t, s.Close())
	must(t, s.Close()) // again: no error
	if err := s.Ping(t.Context()); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Ping after Close: %v, want ErrUnavailable", err)
	}
	if _, err := s.Users().Put(t.Context(), fullUser("alice"), 0); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Put after Close: %v, want ErrUnavailable", err)
	}
	if _, _, err := s.Users().Get(t.Context(), "alice"); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Get after Close: %v, want ErrUnavailable", err)
	}
	if _, err := s.Outbox().Settle(t.Context(), 0, dataprovider.Settlement{}); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Settle after Close: %v, want ErrUnavailable", err)
	}
	if err := s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{
		Path: "/a", Changes: []dataprovider.PropertyChange{set(prop("p", ""))},
	}); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Patch after Close: %v, want ErrUnavailable", err)
	}
	if _, err := s.Properties().Get(t.Context(), "/a"); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Get of properties after Close: %v, want ErrUnavailable", err)
	}
}
