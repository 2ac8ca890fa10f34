package outbox_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

// store is an outbox in memory that can be made to fail. It follows the clock of
// a synctest bubble.
type store struct {
	dataprovider.Outbox

	mu     sync.Mutex
	err    error // of Done, Retry and Bury
	locked error // of Claim and Release
}

func newStore() *store { return &store{Outbox: memstore.New(memstore.Config{}).Outbox()} }

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

func (s *store) faults() (err, locked error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err, s.locked
}

func (s *store) Claim(ctx context.Context, target string, n int, ttl time.Duration) ([]dataprovider.Delivery, error) {
	if _, err := s.faults(); err != nil {
		return nil, err
	}
	return s.Outbox.Claim(ctx, target, n, ttl)
}

func (s *store) Release(ctx context.Context, target string) error {
	if _, err := s.faults(); err != nil {
		return err
	}
	return s.Outbox.Release(ctx, target)
}

func (s *store) Done(ctx context.Context, ids ...int64) error {
	if err, _ := s.faults(); err != nil {
		return err
	}
	return s.Outbox.Done(ctx, ids...)
}

func (s *store) Acknowledge(ctx context.Context, acks ...dataprovider.Acknowledgement) error {
	if err, _ := s.faults(); err != nil {
		return err
	}
	return s.Outbox.Acknowledge(ctx, acks...)
}

func (s *store) Retry(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	if err, _ := s.faults(); err != nil {
		return err
	}
	return s.Outbox.Retry(ctx, id, at, try)
}

func (s *store) StepAside(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	if err, _ := s.faults(); err != nil {
		return err
	}
	return s.Outbox.StepAside(ctx, id, at, try)
}

func (s *store) Bury(ctx context.Context, id int64, try dataprovider.Try) error {
	if err, _ := s.faults(); err != nil {
		return err
	}
	return s.Outbox.Bury(ctx, id, try)
}

// waiting counts what is queued and what is dead.
func (s *store) waiting() (queued, dead int64) {
	all, err := s.Backlog(context.Background())
	if err != nil {
		panic(err)
	}
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
	settleBytes(t, s, e, data, targets...)
}

func settleBytes(t testing.TB, s dataprovider.Outbox, e *actions.Event, data []byte, targets ...string) {
	t.Helper()
	_, err := s.Settle(context.Background(), 0, dataprovider.Settlement{EventID: e.ID, Event: data, Keys: e.Keys(), Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
}
