package session_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

var errDead = errors.New("the process is dead")

// dyingStore is a store whose outbox stops working at a moment of the test's
// choice, as if the process had been killed there.
type dyingStore struct {
	dataprovider.Store
	dieAt   string // "begin", "settle", "told" (a settlement with an event), "drop"
	onBegin func() // called after each Begin
}

func (d *dyingStore) Outbox() dataprovider.Outbox {
	return &dyingOutbox{d.Store.Outbox(), d}
}

type dyingOutbox struct {
	dataprovider.Outbox
	d *dyingStore
}

func (o *dyingOutbox) Begin(ctx context.Context, r []byte) (int64, error) {
	if o.d.dieAt == "begin" {
		return 0, errDead
	}
	id, err := o.Outbox.Begin(ctx, r)
	if o.d.onBegin != nil {
		o.d.onBegin()
	}
	return id, err
}

// Announce is Begin for what counts for no quota.
func (o *dyingOutbox) Announce(ctx context.Context, r []byte) (int64, error) {
	if o.d.dieAt == "begin" {
		return 0, errDead
	}
	id, err := o.Outbox.Announce(ctx, r)
	if o.d.onBegin != nil {
		o.d.onBegin()
	}
	return id, err
}

func (o *dyingOutbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (dataprovider.Amount, error) {
	if o.d.dieAt == "settle" || o.d.dieAt == "told" && len(s.Targets) > 0 {
		return dataprovider.Amount{}, errDead
	}
	return o.Outbox.Settle(ctx, id, s)
}

func (o *dyingOutbox) Drop(ctx context.Context, id int64) error {
	if o.d.dieAt != "" {
		return errDead
	}
	return o.Outbox.Drop(ctx, id)
}

// TestRecovery stops the store between the steps of each operation and looks at
// what a new process makes of it.
func TestRecovery(t *testing.T) {
	write := func(s *session.Session) error { return upload(s, "/f", "new content", put, nil) }
	tests := []struct {
		name    string
		mode    int
		dieAt   string
		op      func(*session.Session) error
		content string // of /f afterwards
		events  []string
		usage   dataprovider.Amount
	}{
		{"publish, not begun", 1, "begin", write, "old", []string{"upload.failed /f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 3}},
		{"publish, done", 1, "settle", write, "new content", []string{"upload.done /f 1 11"}, dataprovider.Amount{Files: 1, Bytes: 11}},
		{"in place, not begun", 0, "begin", write, "old", nil, dataprovider.Amount{Files: 1, Bytes: 3}},
		{"in place, cut", 0, "settle", write, "new content", []string{"upload.part /f 0 11"}, dataprovider.Amount{Files: 1, Bytes: 11}},
		{
			"remove, done", 1, "settle", func(s *session.Session) error { return s.Remove(s.Context(), "/f") },
			"-", []string{"delete.done /f 1 3"}, dataprovider.Amount{},
		},
		{
			"remove, not begun", 1, "begin", func(s *session.Session) error { return s.Remove(s.Context(), "/f") },
			"old", nil, dataprovider.Amount{Files: 1, Bytes: 3},
		},
		{
			"rename, done", 1, "settle", func(s *session.Session) error { return s.Rename(s.Context(), "/f", "/g") },
			"-", []string{"rename.done /f /g 1 0"}, dataprovider.Amount{Files: 1, Bytes: 3},
		},
		{
			"failed remove", 1, "drop", func(s *session.Session) error {
				err := s.Rename(s.Context(), "/f", "/missing/g")
				if !errors.Is(err, vfs.ErrNotExist) {
					return err
				}
				return errDead
			},
			"old", nil, dataprovider.Amount{Files: 1, Bytes: 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := session.Config{UploadMode: tt.mode}
			r := newRig(t, cfg)
			r.write("f", "old")
			if _, err := r.store.Usage().Add(t.Context(), "alice", dataprovider.Amount{Files: 1, Bytes: 3}); err != nil {
				t.Fatal(err)
			}
			r.restart(cfg, &dyingStore{Store: r.store, dieAt: tt.dieAt})
			if err := tt.op(r.open()); !errors.Is(err, errDead) {
				t.Fatalf("the client was told %v", err)
			}
			r.restart(cfg, r.store)
			if _, err := r.manager.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := r.manager.Recover(t.Context()); err != nil || n != 0 {
				t.Errorf("second recovery found %d, %v", n, err)
			}
			if got := r.content("f"); got != tt.content {
				t.Errorf("content %q, want %q", got, tt.content)
			}
			if diff := cmp.Diff(tt.events, r.events()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.usage, r.usage()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUnsettledIsRetried checks that an outcome that the store does not take is
// recorded as soon as it does.
func TestUnsettledIsRetried(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	store := &dyingStore{Store: r.store, dieAt: "settle"}
	r.restart(session.Config{UploadMode: 1}, store)
	if err := upload(r.open(), "/f", "content", put, nil); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	store.dieAt = ""
	r.manager.Shutdown(t.Context())
	if diff := cmp.Diff([]string{"upload.done /f 1 7"}, r.events()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(dataprovider.Amount{Files: 1, Bytes: 7}, r.usage()); diff != "" {
		t.Error(diff)
	}
}

// TestSweep checks that what a killed upload staged goes, and what runs stays.
func TestSweep(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write(vfs.StagingPrefix+"x.f", "left behind")
	tr, err := r.open().Upload(t.Context(), "/running", put)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r.manager.Sweep(t.Context())
	left := r.leftovers()
	if len(left) != 1 || !strings.Contains(left[0], "running") {
		t.Errorf("after the sweep: %v", left)
	}
}

// TestStartMakesNoHome checks that looking after what a crash left does not make
// homes: where a disk is to be mounted nothing may lie.
func TestStartMakesNoHome(t *testing.T) {
	r := newRig(t, session.Config{})
	if _, err := r.manager.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.manager.Sweep(t.Context())
	if _, err := r.manager.Scan(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home was made: %v", err)
	}
}
