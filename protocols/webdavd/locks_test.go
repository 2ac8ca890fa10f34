package webdavd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/vfs"
)

// countingTable counts what the store is asked.
type countingTable struct {
	dataprovider.Locks
	mu                        sync.Mutex
	revisions, loads, changes int
}

func (c *countingTable) Revision(ctx context.Context) (dataprovider.Revision, error) {
	c.mu.Lock()
	c.revisions++
	c.mu.Unlock()
	return c.Locks.Revision(ctx)
}

func (c *countingTable) Load(ctx context.Context) ([]dataprovider.Lock, dataprovider.Revision, error) {
	c.mu.Lock()
	c.loads++
	c.mu.Unlock()
	return c.Locks.Load(ctx)
}

func (c *countingTable) Change(ctx context.Context, rev dataprovider.Revision, put []dataprovider.Lock, drop []string) (dataprovider.Revision, error) {
	c.mu.Lock()
	c.changes++
	c.mu.Unlock()
	return c.Locks.Change(ctx, rev, put, drop)
}

func newLocks() (*Locks, *countingTable) {
	table := &countingTable{Locks: memstore.New(memstore.Config{}).Locks()}
	return NewLocks(table, slog.New(slog.DiscardHandler)), table
}

func TestLocksExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locks, table := newLocks()
		ctx := t.Context()
		l, err := locks.acquire(ctx, dataprovider.Lock{Path: "/f", Holder: "u"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		token := map[string]bool{l.Token: true}
		if held, err := locks.refresh(ctx, "/f", token, "u", time.Minute); err != nil || len(held) != 1 {
			t.Errorf("not refreshed: %v", err)
		}
		if held, _ := locks.refresh(ctx, "/f", token, "other", time.Minute); len(held) != 0 {
			t.Error("refreshed by somebody else")
		}
		time.Sleep(50 * time.Second)
		if len(locks.covering("/f")) != 1 {
			t.Error("expired in spite of the refresh")
		}
		time.Sleep(10 * time.Second)
		if len(locks.covering("/f")) != 0 {
			t.Error("not expired")
		}
		if _, err := locks.acquire(ctx, dataprovider.Lock{Path: "/", Deep: true, Holder: "u"}, time.Minute); err != nil {
			t.Errorf("an expired lock is in the way: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := locks.acquire(ctx, dataprovider.Lock{Path: "/f", Holder: "v"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if all, _, err := table.Locks.Load(ctx); err != nil || len(all) != 1 || len(locks.index.sorted) != 1 || len(locks.index.held) != 1 {
			t.Errorf("expired locks are kept: %v %v %v", all, locks.index, err)
		}
	})
}

// TestLocksOfTwoServers: two processes on one store never grant what excludes each
// other, and each sees at once what the other did when it is about to change
// something.
func TestLocksOfTwoServers(t *testing.T) {
	a, table := newLocks()
	b := NewLocks(table, slog.New(slog.DiscardHandler))
	ctx := t.Context()
	l, err := a.acquire(ctx, dataprovider.Lock{Path: "/d", Deep: true, Holder: "u"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var locked *lockedError
	if _, err := b.acquire(ctx, dataprovider.Lock{Path: "/d/f", Holder: "v"}, time.Minute); !errors.As(err, &locked) || locked.by.Token != l.Token {
		t.Errorf("granted by the other server: %v", err)
	}
	if ok, err := b.release(ctx, "/d/f", l.Token, "u"); !ok || err != nil {
		t.Errorf("released by the other server: %v, %v", ok, err)
	}
	if err := a.follow(ctx, 0); err != nil || len(a.covering("/d")) != 0 {
		t.Errorf("the first server does not see it: %v", err)
	}

	var wg sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for i := range 20 {
		wg.Go(func() {
			_, err := []*Locks{a, b}[i%2].acquire(ctx, dataprovider.Lock{Path: "/x", Holder: fmt.Sprint(i)}, time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				granted++
			} else if !errors.As(err, &locked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if granted != 1 {
		t.Errorf("%d exclusive locks of one path", granted)
	}
}

// TestLocksAskRarely: what is only shown, and what goes where nothing is locked,
// costs the store one question a second.
func TestLocksAskRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locks, table := newLocks()
		ctx := t.Context()
		for i := range 1000 {
			if err := locks.follow(ctx, lockCacheTime); err != nil {
				t.Fatal(err)
			}
			locks.Removed(ctx, fmt.Sprint("/", i))
		}
		if table.loads != 1 || table.revisions+table.changes != 0 {
			t.Errorf("%d loads, %d revisions, %d changes", table.loads, table.revisions, table.changes)
		}
		time.Sleep(lockCacheTime)
		for range 1000 {
			_ = locks.follow(ctx, lockCacheTime)
		}
		if table.loads != 1 || table.revisions != 1 {
			t.Errorf("later: %d loads, %d revisions", table.loads, table.revisions)
		}
	})
}

func TestLocksEndWithTheirResource(t *testing.T) {
	locks, _ := newLocks()
	ctx := t.Context()
	grant := func(path string) {
		t.Helper()
		if _, err := locks.acquire(ctx, dataprovider.Lock{Path: path, Holder: "u", Shared: true}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	left := func(want ...string) {
		t.Helper()
		var got []string
		for _, l := range locks.index.sorted {
			got = append(got, l.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	for _, p := range []string{"/d", "/d/a", "/d/a/b", "/d-e", "/d!", "/e"} {
		grant(p)
	}
	release := locks.keep("/d")
	locks.Removed(ctx, "/d")
	left("/d", "/d!", "/d-e", "/e")
	release()
	locks.Renamed(ctx, "/d", "/e")
	left("/d!", "/d-e", "/e")
	locks.Removed(ctx, "/")
	left()
}

func TestLocksLimits(t *testing.T) {
	locks, table := newLocks()
	ctx := t.Context()
	var all []dataprovider.Lock
	for i := range maxAllLocks {
		all = append(all, dataprovider.Lock{
			Token: fmt.Sprint(i), Path: fmt.Sprint("/", i), Holder: fmt.Sprint(i % 11), Expires: time.Now().Add(time.Hour),
		})
	}
	if _, err := table.Locks.Change(ctx, 0, all, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := locks.acquire(ctx, dataprovider.Lock{Path: "/x", Holder: "u"}, time.Minute); !errors.Is(err, errAllLocks) {
		t.Error(err)
	}
	if _, err := locks.acquire(ctx, dataprovider.Lock{Path: "/x/y", Deep: true, Holder: "1"}, time.Minute); !errors.Is(err, errAllLocks) {
		t.Error(err)
	}
	if ok, err := locks.release(ctx, "/0", "0", "1"); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("released for somebody else: %v, %v", ok, err)
	}
	if ok, err := locks.release(ctx, "/0", "0", "0"); !ok || err != nil {
		t.Errorf("not released: %v, %v", ok, err)
	}
	if _, err := locks.acquire(ctx, dataprovider.Lock{Path: "/x", Holder: "u"}, time.Minute); err != nil {
		t.Error(err)
	}
}

// TestLockIndex compares the index with a plain list.
func TestLockIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ix, plain := newLockIndex(), map[string]dataprovider.Lock{}
	now := time.Now()
	path := func() string {
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, []string{"a", "a-", "b", "a b"}[r.IntN(4)])
		}
		return "/" + strings.Join(parts, "/")
	}
	tokens := func(ls []dataprovider.Lock) []string {
		list := make([]string, 0, len(ls))
		for _, l := range ls {
			list = append(list, l.Token)
		}
		slices.Sort(list)
		return list
	}
	for range 5000 {
		token := fmt.Sprint(r.IntN(40))
		if r.IntN(3) == 0 {
			ix.drop(token)
			delete(plain, token)
		} else {
			l := dataprovider.Lock{
				Token: token, Path: path(), Holder: fmt.Sprint(r.IntN(3)), Deep: r.IntN(2) == 0,
				Expires: now.Add(time.Duration(r.IntN(3)-1) * time.Minute),
			}
			ix.put(l)
			plain[token] = l
		}
		p := path()
		var covering, members, expired []dataprovider.Lock
		touches := false
		for _, l := range plain {
			touches = touches || vfs.Within(p, l.Path)
			switch {
			case !now.Before(l.Expires):
				expired = append(expired, l)
			case l.Path == p || l.Deep && vfs.Within(l.Path, p):
				covering = append(covering, l)
			case vfs.Within(p, l.Path):
				members = append(members, l)
			}
		}
		gone := ix.expired(now)
		slices.Sort(gone)
		if !slices.Equal(tokens(ix.covering(p, now)), tokens(covering)) || !slices.Equal(tokens(ix.members(p, now)), tokens(members)) ||
			!slices.Equal(gone, tokens(expired)) || ix.touches(p) != touches || len(ix.sorted) != len(plain) {
			t.Fatalf("index and list differ at %s", p)
		}
	}
}
