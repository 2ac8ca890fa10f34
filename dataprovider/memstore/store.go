// Package memstore keeps records in memory. Everything is lost when the process
// ends: users come from a dump at start, and events that were not delivered by
// then never are. It is for tests, and for servers whose users are provisioned.
package memstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

// Config sets what tests need to change.
type Config struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a dataprovider.Store in memory. One lock guards it all: every call is
// short.
type Store struct {
	now func() time.Time

	mu        sync.Mutex
	closed    bool
	users     collection[dataprovider.User]
	usage     map[string]dataprovider.UsageRecord
	outbox    queue
	lockTable lockTable
	resources map[string]resource // with properties, by path
	uploads   uploadTable
}

var _ dataprovider.Store = (*Store)(nil)

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{now: cfg.Now, usage: map[string]dataprovider.UsageRecord{}, outbox: newQueue(),
		lockTable: lockTable{byToken: map[string]dataprovider.Lock{}},
		resources: map[string]resource{},
		uploads:   uploadTable{records: map[string]dataprovider.Upload{}, leases: map[string]uploadLease{}},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.users = userCollection(s)
	return s
}

// do runs fn under the lock.
func (s *Store) do(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%w: closed", dataprovider.ErrUnavailable)
	}
	return fn()
}

// Users implements dataprovider.Store.
func (s *Store) Users() dataprovider.Collection[dataprovider.User] { return &s.users }

// Usage implements dataprovider.Store.
func (s *Store) Usage() dataprovider.Usage { return usage{s} }

// Outbox implements dataprovider.Store.
func (s *Store) Outbox() dataprovider.Outbox { return outbox{s} }

// Locks implements dataprovider.Store.
func (s *Store) Locks() dataprovider.Locks { return locks{s} }

// Properties implements dataprovider.Store.
func (s *Store) Properties() dataprovider.Properties { return properties{s} }

// Uploads implements dataprovider.Store.
func (s *Store) Uploads() dataprovider.Uploads { return uploads{s} }

// Ping implements dataprovider.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.do(ctx, func() error { return nil }); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// Close implements dataprovider.Store. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
