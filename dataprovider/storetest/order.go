package storetest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func testOrder(t *testing.T, f *fixture) {
	t.Run("oldest first", func(t *testing.T) { testOldestFirst(t, f) })
	t.Run("one key", func(t *testing.T) { testOneKey(t, f) })
	t.Run("two keys", func(t *testing.T) { testTwoKeys(t, f) })
	t.Run("same key twice", func(t *testing.T) { testSameKeyTwice(t, f) })
	t.Run("no key", func(t *testing.T) { testNoKey(t, f) })
	t.Run("held by a retry", func(t *testing.T) { testHeldByRetry(t, f) })
	t.Run("held by a lost lease", func(t *testing.T) { testHeldByLostLease(t, f) })
	t.Run("freed by a burial", func(t *testing.T) { testFreedByBurial(t, f) })
	t.Run("steps aside", func(t *testing.T) { testStepAside(t, f) })
	t.Run("done out of turn", func(t *testing.T) { testDoneOutOfTurn(t, f) })
	t.Run("random", func(t *testing.T) { testRandomOrder(t, f) })
}

func testOldestFirst(t *testing.T, f *fixture) {
	s, c := f.store(t)
	for i := range 5 {
		settle(t, s, name("e", i), name("/f", i))
		c.advance(-time.Second) // the order is that of settling, whatever the clock does
	}
	expect(t, s, 0)
	expect(t, s, -1)
	first := expect(t, s, 2, "e0", "e1")
	if first[0].ID >= first[1].ID {
		t.Errorf("ids %d, %d do not grow", first[0].ID, first[1].ID)
	}
	rest := expect(t, s, 10, "e2", "e3", "e4")
	expect(t, s, 10)
	// What comes back is older than what is new.
	settle(t, s, "e5", "/f5")
	must(t, s.Outbox().Retry(t.Context(), rest[0].ID, c.now(), failure("again")))
	must(t, s.Outbox().Retry(t.Context(), first[0].ID, c.now(), failure("again")))
	expect(t, s, 10, "e0", "e2", "e5")
}

func testOneKey(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "a1", "/a")
	settle(t, s, "a2", "/a")
	settle(t, s, "b1", "/b")
	settle(t, s, "a3", "/a")
	first := expect(t, s, 10, "a1", "b1") // not a2, although nobody else claims a1
	expect(t, s, 10)
	done(t, s, first[1])
	expect(t, s, 10)
	done(t, s, first[0])
	second := expect(t, s, 10, "a2")
	settle(t, s, "a4", "/a") // joins the end
	expect(t, s, 10)
	done(t, s, second...)
	done(t, s, expect(t, s, 10, "a3")...)
	done(t, s, expect(t, s, 10, "a4")...)
	backlog(t, s)
	settle(t, s, "a5", "/a") // the key is free again
	expect(t, s, 10, "a5")
}

// A rename has two keys: it waits for both, and both wait for it.
func testTwoKeys(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "write a", "/a")
	settle(t, s, "write b", "/b")
	settle(t, s, "a to b", "/a", "/b")
	settle(t, s, "read a", "/a")
	settle(t, s, "b to c", "/b", "/c")
	settle(t, s, "write c", "/c")
	settle(t, s, "write d", "/d")

	ds := expect(t, s, 10, "write a", "write b", "write d")
	done(t, s, ds[0])
	expect(t, s, 10) // still waits for b
	done(t, s, ds[1])
	ds = expect(t, s, 10, "a to b")
	expect(t, s, 10)
	done(t, s, ds...)
	ds = expect(t, s, 10, "read a", "b to c") // write c waits for a rename that itself waited
	done(t, s, ds[0])
	expect(t, s, 10)
	done(t, s, ds[1])
	expect(t, s, 10, "write c")
}

func testSameKeyTwice(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "e1", "/a", "/a")
	settle(t, s, "e2", "/a", "/a")
	done(t, s, expect(t, s, 10, "e1")...)
	done(t, s, expect(t, s, 10, "e2")...)
	backlog(t, s)
}

func testNoKey(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	settle(t, s, "e1")
	settle(t, s, "e2")
	settle(t, s, "e3", "") // an empty key is a key
	settle(t, s, "e4", "")
	expect(t, s, 10, "e1", "e2", "e3")
}

func testHeldByRetry(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "a1", "/a")
	settle(t, s, "a2", "/a")
	ds := expect(t, s, 10, "a1")
	must(t, s.Outbox().Retry(t.Context(), ds[0].ID, c.now().Add(time.Hour), failure("down")))
	expect(t, s, 10) // a1 waits for its time, a2 waits for a1
	c.advance(time.Hour)
	ds = expect(t, s, 10, "a1")
	done(t, s, ds...)
	expect(t, s, 10, "a2")
}

func testHeldByLostLease(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "a1", "/a")
	settle(t, s, "a2", "/a")
	expect(t, s, 10, "a1") // by somebody who is never heard of again
	c.advance(2 * time.Minute)
	ds := expect(t, s, 10, "a1")
	done(t, s, ds...)
	expect(t, s, 10, "a2")
}

func testFreedByBurial(t *testing.T, f *fixture) {
	s, c := f.store(t)
	settle(t, s, "a to b", "/a", "/b")
	settle(t, s, "write a", "/a")
	settle(t, s, "write b", "/b")
	ds := expect(t, s, 10, "a to b")
	must(t, s.Outbox().Bury(t.Context(), ds[0].ID, failure("refused for good")))
	next := expect(t, s, 10, "write a", "write b")
	settle(t, s, "write a again", "/a")
	expect(t, s, 10) // held by the living, not by the dead
	done(t, s, next...)
	expect(t, s, 10, "write a again")
	c.advance(24 * time.Hour)
	expect(t, s, 10, "write a again") // its lease ran out; the dead stay dead
	// Somebody buried what waited behind another one: nothing stumbles over it.
	settle(t, s, "write a last", "/a")
	done(t, s, ds...) // a dead letter can be removed, and frees nothing twice
	expect(t, s, 10)
}

// What steps aside comes again, and whatever shares its keys no longer waits.
func testStepAside(t *testing.T, f *fixture) {
	s, c := f.store(t)
	out := s.Outbox()
	settle(t, s, "a1", "/a", "/b")
	settle(t, s, "a2", "/a")
	settle(t, s, "b", "/b")
	ds := expect(t, s, 10, "a1")
	must(t, out.StepAside(t.Context(), ds[0].ID, c.now().Add(time.Hour), failure("exit status 1")))
	next := expect(t, s, 10, "a2", "b")
	done(t, s, next[1])
	start := c.now()
	c.advance(time.Second)
	settle(t, s, "a3", "/a")
	expect(t, s, 10) // behind a2, as ever
	backlog(t, s, dataprovider.Backlog{Target: "hook", Queued: 3, Oldest: start})
	c.advance(time.Hour)
	again := expect(t, s, 10, "a1", "a2") // the lease of a2 has ended
	attempt(t, again[0], 2)
	must(t, out.StepAside(t.Context(), again[0].ID, c.now().Add(time.Hour), failure("again")))
	done(t, s, again[1])
	done(t, s, expect(t, s, 10, "a3")...)
	must(t, out.Bury(t.Context(), again[0].ID, failure("given up")))
	if err := out.StepAside(t.Context(), again[0].ID, c.now(), failure("late")); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("a dead letter steps aside: %v, want ErrNotFound", err)
	}
	backlog(t, s, dataprovider.Backlog{Target: "hook", Dead: 1})
}

// An operator may remove or bury what still waits behind another delivery.
func testDoneOutOfTurn(t *testing.T, f *fixture) {
	for _, bury := range []bool{false, true} {
		s, _ := f.store(t)
		out := s.Outbox()
		first, other := []string{"hook"}, []string{"other"}
		settleFor(t, s, first, "a1", "/a")
		// The id of a delivery that cannot be claimed is that of a neighbour plus
		// one: deliveries are numbered in settle order.
		settleFor(t, s, other, "x", "/a")
		x := claim(t, s, "other", 1)[0].ID
		settleFor(t, s, first, "a2", "/a")
		settleFor(t, s, other, "y", "/y")
		y := claim(t, s, "other", 1)[0].ID
		if y != x+2 {
			t.Skipf("ids %d and %d are not neighbours of a2's", x, y)
		}
		settleFor(t, s, first, "a3", "/a")
		if bury {
			must(t, out.Bury(t.Context(), x+1, failure("by hand")))
		} else {
			must(t, out.Done(t.Context(), x+1))
		}
		ds := expect(t, s, 10, "a1") // a3 still waits for a1
		expect(t, s, 10)
		done(t, s, ds...)
		expect(t, s, 10, "a3")
	}
}

// A random load, checked against the rule itself: of all deliveries that are
// neither done nor dead, one may be claimed only if no earlier one shares a key.
func testRandomOrder(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx, out := t.Context(), s.Outbox()
	rng := rand.New(rand.NewPCG(1, 2))
	keysOf := map[string][]string{}
	var live []string // event ids in settle order
	leased := map[string]dataprovider.Delivery{}
	remove := func(id string) {
		delete(leased, id)
		for i, e := range live {
			if e == id {
				live = append(live[:i], live[i+1:]...)
				return
			}
		}
	}
	check := func(id string) {
		for _, earlier := range live {
			if earlier == id {
				return
			}
			for _, k := range keysOf[earlier] {
				for _, own := range keysOf[id] {
					if k == own {
						t.Fatalf("%s (keys %q) was claimed before %s (keys %q)", id, keysOf[id], earlier, keysOf[earlier])
					}
				}
			}
		}
		t.Fatalf("%s was claimed and is not alive", id)
	}
	settled := 0
	step := func() {
		switch r := rng.IntN(10); {
		case r < 4 && settled < 400:
			id := name("e", settled)
			settled++
			for range rng.IntN(3) {
				keysOf[id] = append(keysOf[id], name("/", rng.IntN(12)))
			}
			settle(t, s, id, keysOf[id]...)
			live = append(live, id)
		case r < 7:
			for _, d := range claim(t, s, "hook", 1+rng.IntN(4)) {
				if _, twice := leased[d.EventID]; twice {
					t.Fatalf("%s was claimed twice", d.EventID)
				}
				check(d.EventID)
				leased[d.EventID] = d
			}
		default:
			for id, d := range leased {
				switch rng.IntN(6) {
				case 0:
					must(t, out.Retry(ctx, d.ID, c.now().Add(time.Duration(rng.IntN(10))*time.Second), failure("again")))
					delete(leased, id)
				case 1:
					must(t, out.Bury(ctx, d.ID, failure("dead")))
					remove(id)
				default:
					must(t, out.Done(ctx, d.ID))
					remove(id)
				}
				break
			}
			c.advance(time.Millisecond)
		}
	}
	for range 3000 {
		step()
	}
	for range 200 { // drain: nothing is stuck
		c.advance(time.Minute)
		for _, d := range claim(t, s, "hook", 50) {
			check(d.EventID)
			must(t, out.Done(ctx, d.ID))
			remove(d.EventID)
		}
		clear(leased)
	}
	if len(live) != 0 || settled != 400 {
		t.Errorf("settled %d; %d were never delivered: %q", settled, len(live), live)
	}
}
