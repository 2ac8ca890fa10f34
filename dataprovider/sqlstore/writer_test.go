package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func open1(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "sftpgo.db")
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// block occupies the writer until the returned function is called.
func block(t *testing.T, s *Store) (unblock func()) {
	t.Helper()
	running, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.write(t.Context(), func(*tx) error {
			close(running)
			<-goOn
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-running
	return func() {
		close(goOn)
		wg.Wait()
	}
}

// queueUp waits until n requests wait for the writer.
func queueUp(t *testing.T, s *Store, n int) {
	t.Helper()
	for range 10_000 {
		if len(s.writer.queue) == n {
			return
		}
		time.Sleep(10 * time.Microsecond)
	}
	t.Fatalf("%d requests wait, want %d", len(s.writer.queue), n)
}

// What waits together is committed together; a failure undoes only itself; what
// was cancelled before its turn is not run.
func TestGroupCommit(t *testing.T) {
	s := open1(t, Config{})
	add := func(t *tx, owner string) error {
		_, err := t.addUsage(owner, dataprovider.Amount{Files: 1}, time.Now())
		return err
	}
	files := func(owner string) int64 {
		r, err := s.Usage().Get(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return r.Files
	}
	unblock := block(t, s)
	errFail := errors.New("on purpose")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	results := map[string]error{}
	var mu sync.Mutex
	start := func(ctx context.Context, name string, fn func(*tx) error) {
		n := len(s.writer.queue)
		wg.Go(func() {
			err := s.write(ctx, fn)
			mu.Lock()
			results[name] = err
			mu.Unlock()
		})
		queueUp(t, s, n+1)
	}
	ok := func(owner string) func(*tx) error { return func(t *tx) error { return add(t, owner) } }
	start(t.Context(), "first", ok("first"))
	start(t.Context(), "fails", func(t *tx) error { return errors.Join(add(t, "fails"), add(t, "first"), errFail) })
	start(ctx, "cancelled", ok("cancelled"))
	var seen int64 = -1
	start(t.Context(), "looks", func(*tx) error { seen = files("first"); return nil })
	start(t.Context(), "last", ok("last"))
	cancel()
	for {
		mu.Lock()
		_, gone := results["cancelled"]
		mu.Unlock()
		if gone {
			break
		}
		time.Sleep(10 * time.Microsecond)
	}
	unblock()
	wg.Wait()

	if seen != 0 {
		t.Errorf("the first change was committed before the last had run: %d", seen)
	}
	for name, want := range map[string]error{"first": nil, "fails": errFail, "cancelled": context.Canceled, "looks": nil, "last": nil} {
		if !errors.Is(results[name], want) {
			t.Errorf("%s: %v, want %v", name, results[name], want)
		}
	}
	for owner, want := range map[string]int64{"first": 1, "fails": 0, "cancelled": 0, "last": 1} {
		if got := files(owner); got != want {
			t.Errorf("%s: %d files, want %d", owner, got, want)
		}
	}
}

// A context without a deadline gets one, and running into it is ErrUnavailable;
// the caller's own deadline is the caller's.
func TestDeadline(t *testing.T) {
	s := open1(t, Config{})
	ctx, cancel := bounded(t.Context())
	defer cancel()
	if at, ok := ctx.Deadline(); !ok || time.Until(at) > defaultTimeout {
		t.Errorf("deadline %v, %v", at, ok)
	}
	defer block(t, s)()
	ours, cancelOurs := context.WithTimeoutCause(t.Context(), time.Millisecond, errTimeout)
	defer cancelOurs()
	if err := s.write(ours, func(*tx) error { return nil }); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("our limit: %v", err)
	}
	theirs, cancelTheirs := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancelTheirs()
	if err := s.write(theirs, func(*tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("their limit: %v", err)
	}
}

// Close answers everybody: what was queued is done, what comes later refused.
func TestCloseUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := open1(t, Config{Path: path})
	var wg sync.WaitGroup
	var mu sync.Mutex
	added := int64(0)
	for range 8 {
		wg.Go(func() {
			for {
				_, err := s.Usage().Add(t.Context(), "alice", dataprovider.Amount{Files: 1})
				if err != nil {
					if !errors.Is(err, dataprovider.ErrUnavailable) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				added++
				mu.Unlock()
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	again := open1(t, Config{Path: path})
	if r, err := again.Usage().Get(t.Context(), "alice"); err != nil || r.Files != added {
		t.Errorf("answered %d, stored %d, %v", added, r.Files, err)
	}
}

// A full disk is ErrUnavailable, costs only what did not fit, and passes.
func TestFull(t *testing.T) {
	s := open1(t, Config{})
	limit := func(pages int) {
		t.Helper()
		err := s.write(t.Context(), func(t *tx) error {
			var n int
			return t.row(fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, &n)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(100)
	settle := func() error {
		_, err := s.Outbox().Settle(t.Context(), 0, dataprovider.Settlement{
			Event: []byte(strings.Repeat("x", 10_000)), Targets: []string{"hook"}, Keys: []string{"/a"},
			Owner: "alice", Delta: dataprovider.Amount{Files: 1},
		})
		return err
	}
	var err error
	n := int64(0)
	for ; n < 1000; n++ {
		if err = settle(); err != nil {
			break
		}
	}
	if !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Fatalf("after %d: %v", n, err)
	}
	check := func() {
		t.Helper()
		r, err := s.Usage().Get(t.Context(), "alice")
		b, err2 := s.Outbox().Backlog(t.Context())
		if err := errors.Join(err, err2); err != nil || r.Files != n || len(b) != 1 || b[0].Queued != n {
			t.Errorf("usage %+v, backlog %+v, %v; want %d of both", r, b, err, n)
		}
	}
	check()
	limit(1 << 20)
	if err := settle(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	n++
	check()
}

// However much waits, a claim and what follows go straight to their rows.
func TestQueryPlans(t *testing.T) {
	s := open1(t, Config{})
	queries := map[string]string{
		selectQueued:  "USING COVERING INDEX outbox_delivery_queue (target=? AND state=? AND due_at<?)",
		selectLeased:  "USING COVERING INDEX outbox_delivery_queue (target=? AND state=? AND due_at<?)",
		selectResting: "USING COVERING INDEX outbox_delivery_queue (target=? AND state=? AND due_at<?)",
		selectHeld:    "USING PRIMARY KEY (target=? AND hash=?)",
		selectFirst:   "USING PRIMARY KEY (target=? AND hash=?)",
		selectBacklog: "USING COVERING INDEX outbox_delivery_queue",
	}
	for query, want := range queries {
		var plan []string
		rows, err := s.reader.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, x int
			var detail string
			if err := rows.Scan(&id, &parent, &x, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "; "); !strings.Contains(got, want) || strings.Contains(got, "TEMP B-TREE") || len(plan) != 1 {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}
