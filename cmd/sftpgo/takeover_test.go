package main

import (
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
)

// orphaned is a store of several servers, one of which was killed, that cannot be read
// the first times.
type orphaned struct {
	dataprovider.Store
	orphans chan struct{}
	fails   atomic.Int64
	read    atomic.Int64 // how often it could be
}

func (o *orphaned) Orphans() <-chan struct{}    { return o.orphans }
func (o *orphaned) Outbox() dataprovider.Outbox { return orphanedOutbox{o.Store.Outbox(), o} }

type orphanedOutbox struct {
	dataprovider.Outbox
	o *orphaned
}

func (b orphanedOutbox) Pending(ctx context.Context) iter.Seq2[dataprovider.Pending, error] {
	if b.o.fails.Add(-1) >= 0 {
		return func(yield func(dataprovider.Pending, error) bool) {
			yield(dataprovider.Pending{}, dataprovider.ErrUnavailable)
		}
	}
	b.o.read.Add(1)
	return b.Outbox.Pending(ctx)
}

// A server that has taken over what another one left tells of it as soon as it can: the
// store does not say so again.
func TestTakeOverIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &orphaned{Store: memstore.New(memstore.Config{}), orphans: make(chan struct{}, 1)}
		store.fails.Store(2)
		log := slog.New(slog.DiscardHandler)
		s := &server{
			store: store, log: log,
			sessions: session.NewManager(store, actions.Nobody{}, nil, nil, log, 1, session.Config{}),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.takeOver(ctx) }()
		store.orphans <- struct{}{}
		time.Sleep(time.Minute)
		if n := store.read.Load(); n != 1 {
			t.Errorf("what was left was looked at %d times", n)
		}
		cancel()
		<-ended
	})
}
