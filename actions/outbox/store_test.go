package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// store is the outbox of a store that keeps nothing on disk and can be made to
// fail. It follows the clock of a synctest bubble.
type store struct {
	mu      sync.Mutex
	next    int64
	entries []*entry
	err     error // of Done, Retry and Bury
	locked  error // of Claim
	claims  int
}

type entry struct {
	dataprovider.Delivery
	keys  []string
	due   time.Time
	lease time.Time
	dead  bool
	cause string
}

var errNotHere = errors.New("not part of this test")

func (s *store) Begin(context.Context, []byte) (int64, error) { return 0, errNotHere }
func (s *store) Drop(context.Context, int64) error            { return errNotHere }
func (s *store) Pending(context.Context) iter.Seq2[dataprovider.Pending, error] {
	return func(yield func(dataprovider.Pending, error) bool) { yield(dataprovider.Pending{}, errNotHere) }
}

func (s *store) Settle(_ context.Context, _ int64, t dataprovider.Settlement) (dataprovider.Amount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, target := range t.Targets {
		s.next++
		s.entries = append(s.entries, &entry{
			Delivery: dataprovider.Delivery{ID: s.next, EventID: t.EventID, Event: t.Event, Target: target, Settled: time.Now()},
			keys:     t.Keys,
		})
	}
	return dataprovider.Amount{}, nil
}

func (s *store) Claim(_ context.Context, target string, n int, ttl time.Duration) ([]dataprovider.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims++
	if s.locked != nil {
		return nil, s.locked
	}
	var claimed []dataprovider.Delivery
	held := make(map[string]bool)
	now := time.Now()
	for _, e := range s.entries {
		if e.Target != target || e.dead {
			continue
		}
		free := !slices.ContainsFunc(e.keys, func(k string) bool { return held[k] })
		if free && len(claimed) < n && !e.due.After(now) && !e.lease.After(now) {
			e.lease = now.Add(ttl)
			e.Attempt++
			claimed = append(claimed, e.Delivery)
		}
		for _, k := range e.keys {
			held[k] = true
		}
	}
	return claimed, nil
}

func (s *store) Release(_ context.Context, target string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Target == target {
			e.lease = time.Time{}
		}
	}
	return s.locked
}

func (s *store) Done(_ context.Context, ids ...int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return slices.Contains(ids, e.ID) })
	return nil
}

func (s *store) Retry(_ context.Context, id int64, at time.Time, cause string) error {
	return s.change(id, func(e *entry) { e.due, e.lease, e.cause = at, time.Time{}, cause })
}

func (s *store) Bury(_ context.Context, id int64, cause string) error {
	return s.change(id, func(e *entry) { e.dead, e.cause = true, cause })
}

func (s *store) change(id int64, f func(*entry)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, e := range s.entries {
		if e.ID == id {
			f(e)
			return nil
		}
	}
	return dataprovider.ErrNotFound
}

func (s *store) Backlog(context.Context) ([]dataprovider.Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []dataprovider.Backlog
	for _, e := range s.entries {
		i := slices.IndexFunc(all, func(b dataprovider.Backlog) bool { return b.Target == e.Target })
		if i < 0 {
			i = len(all)
			all = append(all, dataprovider.Backlog{Target: e.Target})
		}
		if e.dead {
			all[i].Dead++
			continue
		}
		all[i].Queued++
		if all[i].Oldest.IsZero() {
			all[i].Oldest = e.Settled
		}
	}
	return all, nil
}

// fail makes the store refuse outcomes, until it is called with nil.
func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// lock makes the store refuse claims, until it is called with nil.
func (s *store) lock(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locked = err
}

// waiting counts what is queued and what is dead.
func (s *store) waiting() (queued, dead int64) {
	all, _ := s.Backlog(context.Background())
	for _, b := range all {
		queued += b.Queued
		dead += b.Dead
	}
	return queued, dead
}

// settle records an event as the session layer does.
func settle(t testing.TB, s dataprovider.Outbox, e *actions.Event, targets ...string) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Settle(context.Background(), 0, dataprovider.Settlement{EventID: e.ID, Event: data, Keys: e.Keys(), Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
}
