package storetest

import (
	"math"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func testUsage(t *testing.T, f *fixture) {
	t.Run("add", func(t *testing.T) { testUsageAdd(t, f) })
	t.Run("bounds", func(t *testing.T) { testUsageBounds(t, f) })
	t.Run("set", func(t *testing.T) { testUsageSet(t, f) })
	t.Run("login", func(t *testing.T) { testUsageLogin(t, f) })
	t.Run("of a deleted user", func(t *testing.T) { testUsageDeletedUser(t, f) })
	t.Run("concurrent", func(t *testing.T) { testUsageConcurrent(t, f) })
}

type amount = dataprovider.Amount

// record compares what is counted for owner; times to the microsecond.
func record(t *testing.T, s dataprovider.Store, owner string, want dataprovider.UsageRecord) {
	t.Helper()
	got := value[dataprovider.UsageRecord](t)(s.Usage().Get(t.Context(), owner))
	if got.Amount != want.Amount || !got.LastUpdate.Equal(want.LastUpdate) || !got.LastLogin.Equal(want.LastLogin) {
		t.Errorf("usage of %s = %+v, want %+v", owner, got, want)
	}
	if got.LastUpdate.IsZero() != want.LastUpdate.IsZero() || got.LastLogin.IsZero() != want.LastLogin.IsZero() {
		t.Errorf("usage of %s: a time that never was is not zero: %+v", owner, got)
	}
}

func add(t *testing.T, s dataprovider.Store, owner string, delta, want amount) {
	t.Helper()
	if got := value[amount](t)(s.Usage().Add(t.Context(), owner, delta)); got != want {
		t.Errorf("Add %+v = %+v, want %+v", delta, got, want)
	}
}

func testUsageAdd(t *testing.T, f *fixture) {
	s, c := f.store(t)
	record(t, s, "alice", dataprovider.UsageRecord{})
	add(t, s, "alice", amount{}, amount{}) // nothing is no change
	record(t, s, "alice", dataprovider.UsageRecord{})
	add(t, s, "alice", amount{Files: 2, Bytes: 100}, amount{Files: 2, Bytes: 100})
	at := c.now()
	c.advance(time.Minute)
	add(t, s, "alice", amount{}, amount{Files: 2, Bytes: 100})
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Files: 2, Bytes: 100}, LastUpdate: at})
	add(t, s, "alice", amount{Files: -1, Bytes: 50}, amount{Files: 1, Bytes: 150})
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Files: 1, Bytes: 150}, LastUpdate: c.now()})
	record(t, s, "bob", dataprovider.UsageRecord{})
}

func testUsageBounds(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	add(t, s, "new", amount{Files: -1, Bytes: -1}, amount{})
	add(t, s, "alice", amount{Files: 3, Bytes: 10}, amount{Files: 3, Bytes: 10})
	add(t, s, "alice", amount{Files: -1, Bytes: -11}, amount{Files: 2})
	add(t, s, "alice", amount{Files: -100, Bytes: 5}, amount{Bytes: 5})
	// A sum that does not fit saturates: it never turns negative.
	for range 3 {
		got := value[amount](t)(s.Usage().Add(t.Context(), "alice", amount{Files: math.MaxInt64, Bytes: math.MaxInt64}))
		if got.Files < 1<<60 || got.Bytes < 1<<60 {
			t.Errorf("after an overflow: %+v", got)
		}
	}
	add(t, s, "alice", amount{Files: math.MinInt64, Bytes: math.MinInt64}, amount{})
}

func testUsageSet(t *testing.T, f *fixture) {
	s, c := f.store(t)
	must(t, s.Usage().Set(t.Context(), "alice", amount{Files: 7, Bytes: 70}))
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Files: 7, Bytes: 70}, LastUpdate: c.now()})
	c.advance(time.Minute)
	must(t, s.Usage().Set(t.Context(), "alice", amount{Files: -7, Bytes: 1}))
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Bytes: 1}, LastUpdate: c.now()})
	add(t, s, "alice", amount{Files: 1, Bytes: 1}, amount{Files: 1, Bytes: 2})
}

func testUsageLogin(t *testing.T, f *fixture) {
	s, c := f.store(t)
	login := c.now().Add(-time.Second)
	must(t, s.Usage().Login(t.Context(), "alice", login))
	record(t, s, "alice", dataprovider.UsageRecord{LastLogin: login})
	add(t, s, "alice", amount{Files: 1}, amount{Files: 1})
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Files: 1}, LastUpdate: c.now(), LastLogin: login})
	later := c.now().Add(time.Hour)
	must(t, s.Usage().Login(t.Context(), "alice", later))
	// Two logins may be noted in the wrong order.
	must(t, s.Usage().Login(t.Context(), "alice", login))
	record(t, s, "alice", dataprovider.UsageRecord{Amount: amount{Files: 1}, LastUpdate: c.now(), LastLogin: later})
}

func testUsageDeletedUser(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx := t.Context()
	for _, u := range []string{"alice", "bob"} {
		value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser(u), 0))
		add(t, s, u, amount{Files: 1, Bytes: 1}, amount{Files: 1, Bytes: 1})
		must(t, s.Usage().Login(ctx, u, c.now()))
	}
	must(t, s.Users().Delete(ctx, "alice"))
	record(t, s, "alice", dataprovider.UsageRecord{})
	bob := dataprovider.UsageRecord{Amount: amount{Files: 1, Bytes: 1}, LastUpdate: c.now(), LastLogin: c.now()}
	record(t, s, "bob", bob)

	// An upload that was running while its user was deleted is counted after
	// that; the next user of this name must not inherit it.
	add(t, s, "alice", amount{Files: 5, Bytes: 5}, amount{Files: 5, Bytes: 5})
	value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser("alice"), 0))
	record(t, s, "alice", dataprovider.UsageRecord{})
	record(t, s, "bob", bob)
}

func testUsageConcurrent(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx := t.Context()
	const workers, each = 8, 100
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				var err error
				if (w+i)%2 == 0 {
					_, err = s.Usage().Add(ctx, "alice", amount{Files: 1, Bytes: 3})
				} else {
					_, err = s.Outbox().Settle(ctx, 0, dataprovider.Settlement{Owner: "alice", Delta: amount{Files: 1, Bytes: 3}})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got := value[dataprovider.UsageRecord](t)(s.Usage().Get(ctx, "alice"))
	if want := (amount{Files: workers * each, Bytes: 3 * workers * each}); got.Amount != want {
		t.Errorf("sum = %+v, want %+v", got.Amount, want)
	}
}
