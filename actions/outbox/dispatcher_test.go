package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

var errDown = errors.New("connection refused")

// soon is how long the first event after a rest waits for others.
const soon = 10 * time.Millisecond

// wake tells of what was settled after a rest, and waits for what comes of it.
func wake(d *outbox.Dispatcher) {
	d.Wake()
	time.Sleep(soon)
	synctest.Wait()
}

func TestDeliversSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		begin := time.Now()
		settle(t, s, event("01A", "/a"), "hook")
		wake(d)
		if d := cmp.Diff([]string{"01A"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		if queued, dead := s.waiting(); queued != 0 || dead != 0 {
			t.Errorf("%d queued, %d dead", queued, dead)
		}
		if took := time.Since(begin); took != soon {
			t.Errorf("woken, but waited %v", took)
		}
	})
}

func TestDeliversWithoutWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		settle(t, s, event("01A", "/a"), "hook")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(hook.delivered()) != 1 {
			t.Error("not found by polling")
		}
	})
}

// One wake is enough for a chain of events about one file, and for more events
// than are claimed at a time.
func TestDeliversAllOfOneFileInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		synctest.Wait()
		var want []string
		for i := range 100 {
			id := fmt.Sprintf("%03d", i)
			want = append(want, id)
			settle(t, s, event(id, "/a"), "hook")
		}
		begin := time.Now()
		wake(d)
		if d := cmp.Diff(want, hook.delivered()); d != "" {
			t.Error(d)
		}
		if took := time.Since(begin); took != soon {
			t.Errorf("took %v", took)
		}
	})
}

// The endpoint is away for a minute while files are uploaded, renamed and
// deleted: everything arrives, and in order per path.
func TestOutageLosesNothingAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook := newStore(), new(sink)
		up := time.Now().Add(time.Minute)
		paths := make(map[string][]string) // path: ids in the order of settling
		keys := make(map[string][]string)
		hook.deliver = func(context.Context, *actions.Event) error {
			if time.Now().Before(up) {
				return errDown
			}
			time.Sleep(10 * time.Millisecond)
			return nil
		}
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		for i := range 300 {
			e := event(fmt.Sprintf("%03d", i), fmt.Sprintf("/f%d", i%20))
			if i%7 == 0 {
				e.Kind, e.Object.TargetPath = actions.RenameDone, fmt.Sprintf("/f%d", (i+3)%20)
			}
			for _, k := range e.Keys() {
				paths[k] = append(paths[k], e.ID)
			}
			keys[e.ID] = e.Keys()
			settle(t, s, e, "hook")
			d.Wake()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Minute)
		got := make(map[string][]string)
		for _, id := range hook.delivered() {
			for _, k := range keys[id] {
				got[k] = append(got[k], id)
			}
		}
		if d := cmp.Diff(paths, got); d != "" {
			t.Errorf("events per path (-settled +delivered)\n%s", d)
		}
		if queued, dead := s.waiting(); queued != 0 || dead != 0 {
			t.Errorf("%d queued, %d dead", queued, dead)
		}
	})
}

func TestGivesUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, log := newStore(), new(sink), new(logs)
		hook.deliver = func(context.Context, *actions.Event) error { return errDown }
		start(t, s, log, outbox.DefaultConfig(), target("hook", hook))
		settle(t, s, event("01DEAD", "/a"), "hook")
		time.Sleep(40 * time.Hour)
		tries := hook.attempts()
		if len(tries) != 30 {
			t.Fatalf("%d attempts, want 30", len(tries))
		}
		if total := tries[29].at.Sub(tries[0].at); total < 23*time.Hour || total > 30*time.Hour {
			t.Errorf("given up after %v", total)
		}
		for i, want := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour} {
			pause := tries[i+1].at.Sub(tries[i].at)
			if pause < want || pause > want+want/5+time.Second {
				t.Errorf("pause %d = %v, want %v and a little", i+1, pause, want)
			}
		}
		if queued, dead := s.waiting(); queued != 0 || dead != 1 {
			t.Errorf("%d queued, %d dead", queued, dead)
		}
		text := log.String()
		if n := strings.Count(text, "level=WARN"); n != 29 {
			t.Errorf("%d warnings, want one for each attempt but the last", n)
		}
		i := strings.Index(text, "level=ERROR")
		if i < 0 || !strings.Contains(text[i:], "event_id=01DEAD") || !strings.Contains(text[i:], "connection refused") {
			t.Errorf("the error line does not name event and cause:\n%s", text[max(i, 0):])
		}
	})
}

// A hook that refuses an event must not hold up the next event of that file for
// long, nor is the event lost.
func TestRejectedMakesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, hook, log := newStore(), new(sink), new(logs)
		hook.deliver = rejectFirst
		start(t, s, log, outbox.DefaultConfig(), target("hook", hook))
		settle(t, s, event("01A", "/a"), "hook")
		settle(t, s, event("01B", "/a"), "hook")
		time.Sleep(time.Minute)
		synctest.Wait()
		if d := cmp.Diff([]string{"01B"}, hook.delivered()); d != "" {
			t.Error(d)
		}
		if n := len(hook.attempts()); n != 5 {
			t.Errorf("%d attempts, want 4 of the first event and 1 of the second", n)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(hook.attempts()); n != 11 {
			t.Errorf("%d attempts after a day, want 10 of the first event and 1 of the second", n)
		}
		if queued, dead := s.waiting(); queued != 0 || dead != 1 {
			t.Errorf("%d queued, %d dead, want one dead letter", queued, dead)
		}
		if !strings.Contains(log.String(), `output="no such bucket"`) {
			t.Errorf("the output of the hook is not in the log:\n%s", log)
		}
	})
}

func TestOrphansAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newStore(), new(logs)
		settle(t, s, event("01A", "/a"), "gone")
		_, stop := start(t, s, log, outbox.DefaultConfig(), target("hook", new(sink)))
		synctest.Wait()
		stop()
		if !strings.Contains(log.String(), "not configured any more") || !strings.Contains(log.String(), "target=gone") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestRoute(t *testing.T) {
	hooks := outbox.Hooks{
		Targets: []outbox.Target{
			{Name: "a", Sink: new(sink), Kinds: []actions.Kind{actions.UploadDone}, Workers: 1, Limit: time.Second},
			{Name: "b", Sink: new(sink), Kinds: []actions.Kind{actions.UploadDone, actions.RenameDone}, Workers: 1, Limit: time.Second},
		},
		Gates: []outbox.Gate{{Name: "c", Asker: asker{}, Kinds: []actions.Kind{actions.DeleteCheck}}},
	}
	d, err := outbox.New(newStore(), hooks, nil, new(logs).logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind  actions.Kind
		names []string
		wants bool
	}{
		{actions.UploadDone, []string{"a", "b"}, true},
		{actions.RenameDone, []string{"b"}, true},
		{actions.DeleteCheck, nil, true},
		{actions.DownloadDone, nil, false},
	} {
		if got := d.Route(&actions.Event{Kind: c.kind}); !slices.Equal(got, c.names) {
			t.Errorf("Route(%s) = %v, want %v", c.kind, got, c.names)
		}
		if got := d.Wants(c.kind); got != c.wants {
			t.Errorf("Wants(%s) = %v", c.kind, got)
		}
	}
}

func TestNewRefusesFaultyHooks(t *testing.T) {
	twice := target("hook", new(sink))
	for name, h := range map[string]outbox.Hooks{
		"two of a name": {Targets: []outbox.Target{twice, twice}},
		"no sink":       {Targets: []outbox.Target{target("hook", nil)}},
		"no asker":      {Gates: []outbox.Gate{{Name: "gate"}}},
	} {
		if _, err := outbox.New(newStore(), h, nil, new(logs).logger(), outbox.DefaultConfig()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
