package session_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// timedFactory and timedFS note how much time there is to make a directory.
type timedFactory struct {
	vfs.Factory
	mkdir func(ctx context.Context)
}

func (f timedFactory) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	storage, err := f.Factory.Open(ctx, cfg)
	return timedFS{storage, f.mkdir}, err
}

type timedFS struct {
	vfs.FS
	mkdir func(ctx context.Context)
}

func (f timedFS) Mkdir(ctx context.Context, name string) error {
	f.mkdir(ctx)
	return f.FS.Mkdir(ctx, name)
}

// timedStore notes how much time there is to record an outcome.
type timedStore struct {
	dataprovider.Store
	settle func(ctx context.Context)
}

func (s timedStore) Outbox() dataprovider.Outbox { return timedOutbox{s.Store.Outbox(), s.settle} }

type timedOutbox struct {
	dataprovider.Outbox
	settle func(ctx context.Context)
}

func (o timedOutbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (dataprovider.Amount, error) {
	o.settle(ctx)
	return o.Outbox.Settle(ctx, id, s)
}

// TestLargeContentGoesElsewhere: what a hook wants elsewhere is copied, which may take
// minutes, and then its end has as much time as any.
func TestLargeContentGoesElsewhere(t *testing.T) {
	r := newRig(t, session.Config{})
	var copying time.Time
	log := slog.New(slog.DiscardHandler)
	storage := timedFactory{localfs.NewFactory(log), func(ctx context.Context) {
		if _, limited := ctx.Deadline(); limited {
			t.Error("there is a time limit for copying")
		}
		copying = time.Now()
	}}
	store := timedStore{r.store, func(ctx context.Context) {
		if end, limited := ctx.Deadline(); !copying.IsZero() && (!limited || end.Before(copying.Add(30*time.Second))) {
			t.Error("copying takes the time of the end")
		}
	}}
	r.manager = session.NewManager(store, r.hooks, []vfs.Factory{storage}, r.metrics, log, 1, session.Config{})
	s := r.open()
	r.asks(func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{Decision: actions.Quarantine, Name: "/q/x", Denial: &actions.Denial{Body: "held"}}, nil
	}, actions.UploadVerify)
	if err := upload(s, "/f", "abc", put, nil); !errors.Is(err, actions.ErrDenied) || r.content("q/x") != "abc" {
		t.Errorf("%v, in quarantine %q", err, r.content("q/x"))
	}
	if copying.IsZero() {
		t.Error("no directory was made")
	}
}

// TestCopyGoesElsewhere: a copy that a hook wants under another name is told as a copy.
func TestCopyGoesElsewhere(t *testing.T) {
	r := newRig(t, session.Config{})
	r.hooks.all = true
	r.write("a", "abc")
	s := r.open()
	for decision, want := range map[actions.Decision][]string{
		actions.Rename:     {"upload.done /c 1 3", "copy.done /a /c 1 3"},
		actions.Quarantine: {"upload.failed /b 0 0"},
	} {
		r.asks(func(*actions.Event) (actions.Verdict, error) {
			return actions.Verdict{Decision: decision, Name: map[actions.Decision]string{actions.Rename: "/c", actions.Quarantine: "/q/x"}[decision],
				Denial: &actions.Denial{Body: "held"}}, nil
		}, actions.UploadVerify)
		if err := s.Copy(t.Context(), "/a", "/b"); (err == nil) != (decision == actions.Rename) {
			t.Error(err)
		}
		if d := cmp.Diff(sorted(want), sorted(only(r.events(), "upload.done", "upload.failed", "copy.done"))); d != "" {
			t.Error(d)
		}
		if n, err := pendingOf(r); err != nil || n != 0 {
			t.Errorf("%d intentions are left, %v", n, err)
		}
	}
}

// TestMovedUploadAfterCrash: an upload that a hook has put elsewhere, and of which the
// server was killed before it could tell, has one end.
func TestMovedUploadAfterCrash(t *testing.T) {
	for decision, want := range map[actions.Decision][]string{
		actions.Rename:     {"upload.open /f 1 0", "upload.done /g 1 3"},
		actions.Quarantine: {"upload.open /f 1 0", "upload.failed /f 0 0"},
	} {
		cfg := session.Config{UploadMode: 1}
		r := newRig(t, cfg)
		r.hooks.all = true
		dying := &dyingStore{Store: r.store}
		r.restart(cfg, dying)
		r.asks(func(*actions.Event) (actions.Verdict, error) {
			dying.dieAt = "told"
			return actions.Verdict{Decision: decision, Name: "/g", Denial: &actions.Denial{Body: "held"}}, nil
		}, actions.UploadVerify)
		if err := upload(r.open(), "/f", "abc", put, nil); err == nil || r.content("g") != "abc" {
			t.Fatalf("%v, content %q", err, r.content("g"))
		}
		r.restart(cfg, r.store)
		if _, err := r.manager.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, r.events()); d != "" {
			t.Error(d)
		}
	}
}
