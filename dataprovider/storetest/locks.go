package storetest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testLocks(t *testing.T, f *fixture) {
	t.Run("change", func(t *testing.T) { testLocksChange(t, f) })
	t.Run("of a deleted user", func(t *testing.T) { testLocksDeletedUser(t, f) })
	t.Run("concurrent", func(t *testing.T) { testLocksConcurrent(t, f) })
}

func lockOf(token, holder string, at time.Time) dataprovider.Lock {
	return dataprovider.Lock{Token: token, Path: "/local/srv/ü " + token, Holder: holder, Expires: at}
}

// held compares the table, and returns its revision.
func held(t *testing.T, s dataprovider.Store, want ...dataprovider.Lock) dataprovider.Revision {
	t.Helper()
	got, rev, err := s.Locks().Load(t.Context())
	must(t, err)
	slices.SortFunc(got, func(a, b dataprovider.Lock) int { return strings.Compare(a.Token, b.Token) })
	same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, same); len(want)+len(got) > 0 && diff != "" {
		t.Errorf("locks (-want +got)\n%s", diff)
	}
	if now := value[dataprovider.Revision](t)(s.Locks().Revision(t.Context())); now != rev {
		t.Errorf("revision %d, loaded %d", now, rev)
	}
	return rev
}

func testLocksChange(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx, locks := t.Context(), s.Locks()
	at := c.now().Add(time.Hour + 123*time.Microsecond)
	full := lockOf("a", "alice", at)
	full.Owner, full.Shared, full.Deep = `<href xmlns="DAV:">x</href>`, true, true
	b, d := lockOf("b", "bob", at), lockOf("d", "alice", at)

	first := held(t, s)
	change := value[dataprovider.Revision](t)
	second := change(locks.Change(ctx, first, []dataprovider.Lock{full, b}, nil))
	if second <= first || held(t, s, full, b) != second {
		t.Errorf("revision %d after %d", second, first)
	}
	for _, stale := range []dataprovider.Revision{first, second + 1} {
		if _, err := locks.Change(ctx, stale, []dataprovider.Lock{d}, []string{"a"}); !errors.Is(err, dataprovider.ErrConflict) {
			t.Errorf("revision %d: %v", stale, err)
		}
	}
	held(t, s, full, b)
	b.Expires = at.Add(time.Minute)
	third := change(locks.Change(ctx, second, []dataprovider.Lock{b, d}, []string{"a", "unknown"}))
	held(t, s, b, d)
	c.advance(24 * time.Hour) // locks that have run out are the caller's business
	held(t, s, b, d)
	last := change(locks.Change(ctx, third, nil, []string{"b", "d"}))
	if held(t, s) != last || last <= third {
		t.Errorf("revision %d after %d", last, third)
	}
}

func testLocksDeletedUser(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx := t.Context()
	for _, u := range []string{"alice", "bob"} {
		value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser(u), 0))
	}
	a, b := lockOf("a", "alice", c.now()), lockOf("b", "bob", c.now())
	rev := value[dataprovider.Revision](t)(s.Locks().Change(ctx, held(t, s), []dataprovider.Lock{a, b}, nil))
	must(t, s.Users().Delete(ctx, "alice"))
	next := held(t, s, b)
	if next <= rev {
		t.Errorf("revision %d after %d: nobody would look", next, rev)
	}
	// A request that was running while its user was deleted locks after that.
	value[dataprovider.Revision](t)(s.Locks().Change(ctx, next, []dataprovider.Lock{a}, nil))
	value[dataprovider.Revision](t)(s.Users().Put(ctx, fullUser("alice"), 0))
	held(t, s, b)
}

// testLocksConcurrent: of several changes of one revision one wins.
func testLocksConcurrent(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx := t.Context()
	rev := held(t, s)
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := s.Locks().Change(ctx, rev, []dataprovider.Lock{lockOf(name("t", i), "alice", c.now())}, nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !errors.Is(err, dataprovider.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, _, err := s.Locks().Load(ctx); err != nil || won != 1 || len(all) != 1 {
		t.Errorf("%d changes won, %d locks, %v", won, len(all), err)
	}
}
