package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// The process is killed after a delivery and before the store knows.
func TestKilledBeforeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		d, stop := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		settle(t, s, event("01A", "/a"), "hook")
		hook.deliver = func(context.Context, *actions.Event) error {
			s.fail(errors.New("killed"))
			return nil
		}
		wake(d)
		stop()
		if d := cmp.Diff([]string{"01A"}, hook.delivered()); d != "" {
			t.Fatal(d)
		}
		s.fail(nil)
		begin := time.Now()
		hook.deliver = nil
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		if d := cmp.Diff([]string{"01A", "01A"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("waited %v for a lease of the killed process", took)
		}
	})
}

// A store that cannot be written for longer than a lease causes no repetition.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, log := newStore(), new(sink), new(logs)
		d, _ := start(t, s, log, outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		settle(t, s, event("01A", "/a"), "hook")
		hook.deliver = func(context.Context, *actions.Event) error {
			s.fail(errors.New("disk full"))
			return nil
		}
		d.Wake()
		time.Sleep(time.Hour)
		s.fail(nil)
		time.Sleep(time.Hour)
		if d := cmp.Diff([]string{"01A"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		if queued, _ := s.waiting(); queued != 0 {
			t.Errorf("%d queued", queued)
		}
		if n := strings.Count(log.String(), "disk full"); n != 1 {
			t.Errorf("an outage of the store is %d lines in the log, want 1", n)
		}
	})
}

// A store that cannot be read at the start is tried again.
func TestStoreLockedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, log := newStore(), new(sink), new(logs)
		settle(t, s, event("01A", "/a"), "hook")
		s.lock(errors.New("database is locked"))
		start(t, s, log, outbox.DefaultConfig(), target("hook", hook))
		time.Sleep(time.Minute)
		s.lock(nil)
		time.Sleep(2 * time.Second)
		if d := cmp.Diff([]string{"01A"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		for _, line := range []string{"the outbox cannot be used", "the outbox can be used again"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q is %d times in the log, want once", line, n)
			}
		}
	})
}

func TestSlowTargetDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, slow, quick := newStore(), new(sink), new(sink)
		slow.deliver = func(ctx context.Context, _ *actions.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("slow", slow), target("quick", quick))
		synctest.Wait()
		begin := time.Now()
		for i := range 100 {
			settle(t, s, event(fmt.Sprintf("%03d", i), fmt.Sprintf("/%d", i)), "slow", "quick")
		}
		wake(d)
		if n := len(quick.delivered()); n != 100 || time.Since(begin) != soon {
			t.Errorf("%d events after %v", n, time.Since(begin))
		}
		if queued, _ := s.waiting(); queued != 100 {
			t.Errorf("%d wait for the slow target, want 100", queued)
		}
	})
}

func TestWorkersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		var running, most atomic.Int32
		hook.deliver = func(context.Context, *actions.Event) error {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		}
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		for i := range 40 {
			settle(t, s, event(fmt.Sprintf("%03d", i), fmt.Sprintf("/%d", i)), "hook")
		}
		begin := time.Now()
		d.Wake()
		for len(hook.delivered()) < 40 {
			time.Sleep(100 * time.Millisecond)
		}
		if most.Load() != 4 {
			t.Errorf("%d deliveries at a time, want 4", most.Load())
		}
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("40 events of 1 s by 4 workers took %v", took)
		}
	})
}

func TestHangingSinkIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		hook.deliver = func(ctx context.Context, _ *actions.Event) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		settle(t, s, event("01A", "/a"), "hook")
		time.Sleep(5 * time.Minute)
		tries := hook.attempts()
		if len(tries) < 3 || !errors.Is(tries[0].err, context.DeadlineExceeded) {
			t.Errorf("attempts: %v", tries)
		}
	})
}

func TestDrain(t *testing.T) {
	cfg := outbox.DefaultConfig()
	for _, c := range []struct {
		name   string
		takes  time.Duration
		done   int   // delivered when Run has returned
		queued int64 // for the next start
		after  time.Duration
	}{
		{"running deliveries end", 3 * time.Second, 4, 16, 3 * time.Second},
		{"those that take too long are abandoned", time.Minute, 0, 20, cfg.Drain},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, hook := newStore(), new(sink)
				hook.deliver = func(ctx context.Context, _ *actions.Event) error {
					select {
					case <-time.After(c.takes):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				for i := range 20 {
					settle(t, s, event(fmt.Sprintf("%03d", i), fmt.Sprintf("/%d", i)), "hook")
				}
				_, stop := start(t, s, new(logs), cfg, target("hook", hook))
				synctest.Wait()
				begin := time.Now()
				stop()
				if took := time.Since(begin); took != c.after {
					t.Errorf("stopped after %v, want %v", took, c.after)
				}
				if n := len(hook.delivered()); n != c.done {
					t.Errorf("%d delivered, want %d", n, c.done)
				}
				if queued, _ := s.waiting(); queued != c.queued {
					t.Errorf("%d queued, want %d", queued, c.queued)
				}
				hook.deliver = nil
				start(t, s, new(logs), cfg, target("hook", hook))
				time.Sleep(time.Second)
				if queued, _ := s.waiting(); queued != 0 {
					t.Errorf("%d queued after the next start", queued)
				}
			})
		})
	}
}

func TestPanicOfASinkIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		var tries atomic.Int32
		hook.deliver = func(context.Context, *actions.Event) error {
			if tries.Add(1) == 1 {
				panic("bug")
			}
			return nil
		}
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		settle(t, s, event("01A", "/a"), "hook")
		time.Sleep(10 * time.Second)
		if d := cmp.Diff([]string{"01A"}, hook.delivered()); d != "" {
			t.Error(d)
		}
	})
}

func TestUndecodableEventIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, log := newStore(), new(sink), new(logs)
		settleBytes(t, s, event("01A", "/a"), []byte("{"), "hook")
		settle(t, s, event("01B", "/a"), "hook")
		start(t, s, log, outbox.DefaultConfig(), target("hook", hook))
		time.Sleep(time.Second)
		synctest.Wait()
		if queued, dead := s.waiting(); queued != 0 || dead != 1 {
			t.Errorf("%d queued, %d dead", queued, dead)
		}
		if d := cmp.Diff([]string{"01B"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		if !strings.Contains(log.String(), "event_id=01A") {
			t.Errorf("the log does not name the event:\n%s", log)
		}
	})
}

// A delivery that somebody removed meanwhile must not stop the lane.
func TestVanishedDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		hook.deliver = func(ctx context.Context, e *actions.Event) error {
			if e.ID != "01A" {
				return nil
			}
			if err := s.Outbox.Done(ctx, 1); err != nil {
				t.Error(err)
			}
			return errDown
		}
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		settle(t, s, event("01A", "/a"), "hook")
		time.Sleep(2 * time.Second)
		settle(t, s, event("01B", "/b"), "hook")
		time.Sleep(2 * time.Second)
		if d := cmp.Diff([]string{"01B"}, hook.delivered()); d != "" {
			t.Error(d)
		}
	})
}
