package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// pressed runs a dispatcher to a hook that is away until open is closed, with more
// waiting than its mark.
func pressed(t *testing.T, mark actions.HighWater) (d *outbox.Dispatcher, s *store, log *logs, open chan struct{}) {
	open = make(chan struct{})
	hook := &sink{deliver: func(ctx context.Context, _ *actions.Event) error {
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	s, log = newStore(), new(logs)
	for _, id := range []string{"01A", "01B", "01C"} {
		settle(t, s, event(id, "/"+id), "hook")
	}
	tg := target("hook", hook)
	tg.HighWater = mark
	tg.Wants = func(e *actions.Event) bool {
		return !strings.HasPrefix(e.Object.Name, "/quiet") && e.Result.Size > 1000
	}
	d, _ = start(t, s, log, outbox.DefaultConfig(), tg)
	synctest.Wait()
	return d, s, log, open
}

func upload(name string) func() actions.Event {
	return func() actions.Event { return actions.Event{Object: actions.Object{Name: name}} }
}

func TestRefuseAboveHighWater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, log, open := pressed(t, actions.HighWater{Events: 3, Policy: actions.PolicyRefuse})
		if err := d.Admit(t.Context(), upload("/a")); !errors.Is(err, actions.ErrOverloaded) {
			t.Errorf("an upload while three wait: %v", err)
		}
		if err := d.Admit(t.Context(), upload("/quiet/a")); err != nil {
			t.Errorf("an upload of which the hook is not told: %v", err)
		}
		if text := log.String(); !strings.Contains(text, "high-water mark") || !strings.Contains(text, "policy=refuse") {
			t.Error(text)
		}
		close(open)
		synctest.Wait()
		time.Sleep(time.Second) // the acknowledgements are recorded together
		if queued, _ := s.waiting(); queued != 0 {
			t.Fatalf("%d wait", queued)
		}
		if err := d.Admit(t.Context(), upload("/a")); err != nil {
			t.Errorf("an upload when nothing waits any more: %v", err)
		}
		if text := log.String(); strings.Count(text, "high-water mark again") != 1 {
			t.Error(text)
		}
	})
}

func TestSlowAboveHighWater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _, open := pressed(t, actions.HighWater{Events: 2, Policy: actions.PolicySlow})
		wait := func() time.Duration {
			begin := time.Now()
			if err := d.Admit(t.Context(), upload("/a")); err != nil {
				t.Error(err)
			}
			return time.Since(begin)
		}
		if took := wait(); took != 2*time.Second {
			t.Errorf("an upload was held up for %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Admit(ctx, upload("/a")); !errors.Is(err, context.Canceled) {
			t.Errorf("when the client has gone: %v", err)
		}
		go func() {
			time.Sleep(500 * time.Millisecond)
			close(open)
		}()
		if took := wait(); took < 500*time.Millisecond || took >= time.Second {
			t.Errorf("an upload was held up for %v when there was room after half a second", took)
		}
		if took := wait(); took != 0 {
			t.Errorf("an upload was held up for %v without need", took)
		}
	})
}

func TestSpillAboveHighWater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, log, _ := pressed(t, actions.HighWater{Events: 2})
		begin := time.Now()
		if err := d.Admit(t.Context(), upload("/a")); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if text := log.String(); !strings.Contains(text, "policy=spill") {
			t.Error(text)
		}
	})
}

// What is recorded counts at once, and what others take out of the queue before
// long.
func TestLevelIsSetRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := &sink{deliver: func(ctx context.Context, _ *actions.Event) error { <-ctx.Done(); return context.Cause(ctx) }}
		s := newStore()
		tg := target("hook", hook)
		cfg := outbox.DefaultConfig()
		cfg.HighWater = actions.HighWater{Events: 2, Policy: actions.PolicyRefuse} // the target says nothing of its own
		d, _ := start(t, s, new(logs), cfg, tg)
		synctest.Wait()
		for _, id := range []string{"01A", "01B"} {
			if err := d.Admit(t.Context(), upload("/a")); err != nil {
				t.Fatal(err)
			}
			e := event(id, "/"+id)
			record(t, s, d, e)
		}
		if err := d.Admit(t.Context(), upload("/a")); !errors.Is(err, actions.ErrOverloaded) {
			t.Errorf("when two wait: %v", err)
		}
		for q, err := range s.Queue(t.Context(), 0) { // sftpgo events drop
			if err != nil || s.Done(t.Context(), q.ID) != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(11 * time.Second)
		if err := d.Admit(t.Context(), upload("/a")); err != nil {
			t.Errorf("when all was dropped: %v", err)
		}
	})
}

// What is only looked at counts as nothing that waits.
func TestLevelCountsWhatIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := target("hook", &sink{})
		tg.HighWater = actions.HighWater{Events: 2, Policy: actions.PolicyRefuse}
		d, _ := start(t, newStore(), new(logs), outbox.DefaultConfig(), tg)
		synctest.Wait()
		for range 5 {
			d.Route(event("01A", "/a"))
		}
		if err := d.Admit(t.Context(), upload("/a")); err != nil {
			t.Errorf("nothing waits: %v", err)
		}
	})
}
