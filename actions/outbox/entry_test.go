package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// receiver is a sink that can be an entry.
type receiver struct {
	*sink
	name   string
	closed bool
}

func (r *receiver) Ask(context.Context, *actions.Event) (actions.Answer, error) {
	return actions.Answer{}, nil
}
func (r *receiver) String() string       { return "sink " + r.name }
func (r *receiver) Limit() time.Duration { return time.Hour }

func (r *receiver) Close() error {
	r.closed = true
	return nil
}

func newEntries(t *testing.T, open func(h actions.Hook) (outbox.Receiver, error), entries ...actions.Hook) (outbox.Hooks, error) {
	t.Helper()
	return outbox.NewHooks(actions.DefaultConfig(), entries, outbox.Transports{Entry: open}, outbox.DefaultConfig(), new(logs).logger())
}

func TestEntries(t *testing.T) {
	open := func(h actions.Hook) (outbox.Receiver, error) { return &receiver{sink: new(sink), name: h.Name}, nil }
	hooks, err := newEntries(t, open,
		actions.Hook{Name: "index", Target: "/bin/index", Events: []string{"post-finish"}},
		actions.Hook{Name: "audit", Target: "http://h.example/", Format: "cloudevents", Filters: actions.HookFilters{Users: []string{"bob"}}, Retry: actions.HookRetry{Tries: 1}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{
		"index: sink index as rustus for post-finish",
		"audit: sink audit as cloudevents for all events that it has names for",
	}, hooks.Summary); d != "" {
		t.Error(d)
	}
	d, err := outbox.New(newStore(), hooks, nil, new(logs).logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		user string
		kind actions.Kind
		want []string
	}{
		{"alice", actions.UploadDone, []string{"hooks.index"}},
		{"bob", actions.UploadDone, []string{"hooks.index", "hooks.audit"}},
		{"bob", actions.RenameDone, []string{"hooks.audit"}},
		{"alice", actions.RenameDone, nil},
	} {
		got := d.Route(&actions.Event{Kind: tt.kind, Session: actions.Session{User: tt.user}})
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s %s: %s", tt.user, tt.kind, d)
		}
	}
	if d.Wants(actions.DeleteCheck) || !d.Wants(actions.SSHCommand) {
		t.Error("wanted kinds")
	}
	if got := hooks.Targets[1].Retries; len(got.Unreachable) != 0 || len(got.Rejected) != 0 {
		t.Errorf("retries %v", got)
	}
	if got := hooks.Targets[0].Retries; len(got.Unreachable) != len(outbox.DefaultConfig().Unreachable) {
		t.Errorf("retries %v", got)
	}
}

// What was opened before the faulty one is closed.
func TestFaultyEntry(t *testing.T) {
	first := &receiver{sink: new(sink)}
	open := func(h actions.Hook) (outbox.Receiver, error) {
		if h.Name == "bad" {
			return nil, errors.New("does not exist")
		}
		return first, nil
	}
	_, err := newEntries(t, open, actions.Hook{Name: "good", Target: "/a"}, actions.Hook{Name: "bad", Target: "/b"})
	if err == nil || err.Error() != "hooks: bad: does not exist" || !first.closed {
		t.Errorf("err = %v, closed %v", err, first.closed)
	}
	if _, err := newEntries(t, open, actions.Hook{Name: "good"}); err == nil || !strings.Contains(err.Error(), "target") {
		t.Errorf("err = %v", err)
	}
}

// A hook that hangs delays no other one, and each has the order of a file.
func TestHangingEntryDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := &receiver{sink: &sink{deliver: func(ctx context.Context, _ *actions.Event) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}, name: "hanging"}
		quick := &receiver{sink: new(sink), name: "quick"}
		hooks, err := newEntries(t, func(h actions.Hook) (outbox.Receiver, error) {
			if h.Name == "hanging" {
				return hanging, nil
			}
			return quick, nil
		}, actions.Hook{Name: "hanging", Target: "/a"}, actions.Hook{Name: "quick", Target: "/b"})
		if err != nil {
			t.Fatal(err)
		}
		s := newStore()
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), hooks.Targets...)
		synctest.Wait()
		begin := time.Now()
		var want []string
		for i := range 200 {
			e := event("E"+string(rune('A'+i/26))+string(rune('a'+i%26)), "/same")
			want = append(want, e.ID)
			settle(t, s, e, d.Route(e)...)
		}
		d.Wake()
		for len(quick.delivered()) < len(want) && time.Since(begin) < time.Minute {
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		if d := cmp.Diff(want, quick.delivered()); d != "" {
			t.Error(d)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		if len(hanging.delivered()) != 0 {
			t.Error("the hanging one has delivered")
		}
	})
}

// A target with a schedule of its own does not use that of the others.
func TestRetriesOfATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &sink{deliver: func(context.Context, *actions.Event) error { return errDown }}
		own := target("own", hook)
		own.Retries = &outbox.Retries{Unreachable: []time.Duration{time.Minute, 2 * time.Minute}}
		s := newStore()
		start(t, s, new(logs), outbox.DefaultConfig(), own)
		settle(t, s, event("01A", "/a"), "own")
		time.Sleep(time.Hour)
		synctest.Wait()
		tries := hook.attempts()
		if len(tries) != 3 {
			t.Fatalf("%d tries", len(tries))
		}
		for i, least := range []time.Duration{time.Minute, 2 * time.Minute} {
			if pause := tries[i+1].at.Sub(tries[i].at); pause < least || pause > least*13/10 {
				t.Errorf("pause %d: %v", i, pause)
			}
		}
		if _, dead := s.waiting(); dead != 1 {
			t.Errorf("%d dead letters", dead)
		}
	})
}
