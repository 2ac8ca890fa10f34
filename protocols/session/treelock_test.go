package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// slowStore is a store that takes the first outcome only when it is let.
type slowStore struct {
	dataprovider.Store
	once    sync.Once
	reached chan struct{}
	let     chan struct{}
}

func (s *slowStore) Outbox() dataprovider.Outbox { return &slowOutbox{s.Store.Outbox(), s} }

type slowOutbox struct {
	dataprovider.Outbox
	s *slowStore
}

func (o *slowOutbox) Settle(ctx context.Context, id int64, st dataprovider.Settlement) (dataprovider.Amount, error) {
	o.s.once.Do(func() {
		close(o.s.reached)
		<-o.s.let
	})
	return o.Outbox.Settle(ctx, id, st)
}

// TestDirectoryWaitsForPublication holds that a directory is not moved between the
// intention of an upload below it and its outcome: a crash would leave an intention
// under a name where nothing is.
func TestDirectoryWaitsForPublication(t *testing.T) {
	cfg := session.Config{UploadMode: 1}
	r := newRig(t, cfg)
	slow := &slowStore{Store: r.store, reached: make(chan struct{}), let: make(chan struct{})}
	r.restart(cfg, slow)
	s := r.open()
	if err := s.Mkdir(t.Context(), "/d"); err != nil {
		t.Fatal(err)
	}
	uploaded, moved := make(chan error, 1), make(chan error, 1)
	go func() { uploaded <- upload(s, "/d/f", "content", put, nil) }()
	<-slow.reached
	go func() { moved <- s.Rename(s.Context(), "/d", "/e") }()
	select {
	case err := <-moved:
		t.Errorf("the directory was moved before the upload was booked: %v", err)
		moved <- err
	case <-time.After(50 * time.Millisecond):
	}
	close(slow.let)
	if err := errors.Join(<-uploaded, <-moved); err != nil {
		t.Error(err)
	}
	if got := r.content("e/f"); got != "content" {
		t.Errorf("content %q", got)
	}
	r.exact(0)
}
