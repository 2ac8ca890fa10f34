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

// asker answers with a function; without one it says no.
type asker struct {
	ask func(ctx context.Context) (bool, error)
}

func (a asker) Ask(ctx context.Context, _ *actions.Event) (actions.Answer, error) {
	if a.ask == nil {
		return actions.Answer{}, nil
	}
	ok, err := a.ask(ctx)
	return actions.Answer{Accepted: ok, Exact: ok}, err
}

func TestAsk(t *testing.T) {
	yes := asker{func(context.Context) (bool, error) { return true, nil }}
	no := asker{}
	broken := asker{func(context.Context) (bool, error) { return false, errDown }}
	panics := asker{func(context.Context) (bool, error) { panic("bug") }}
	hangs := asker{func(ctx context.Context) (bool, error) { <-ctx.Done(); return false, context.Cause(ctx) }}
	for _, c := range []struct {
		name   string
		askers []actions.Asker
		want   actions.Decision
		took   time.Duration
		log    string
	}{
		{"nobody to ask", nil, actions.Proceed, 0, ""},
		{"yes", []actions.Asker{yes}, actions.Handled, 0, ""},
		{"no", []actions.Asker{no}, actions.Proceed, 0, "level=INFO"},
		{"broken", []actions.Asker{broken}, actions.Proceed, 0, "connection refused"},
		{"panic", []actions.Asker{panics}, actions.Proceed, 0, "panic: bug"},
		{"hangs", []actions.Asker{hangs}, actions.Proceed, 30 * time.Second, "no answer within 30s"},
		{"all share the time", []actions.Asker{hangs, hangs}, actions.Proceed, 30 * time.Second, "no answer within 30s"},
		{"broken, then yes", []actions.Asker{broken, yes}, actions.Handled, 0, "level=WARN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, log := gated(t, c.askers...)
				begin := time.Now()
				got, err := d.Ask(t.Context(), question())
				if got.Decision != c.want || err != nil {
					t.Errorf("Ask = %v, %v, want %v", got, err, c.want)
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if c.log == "" && log.String() != "" || !strings.Contains(log.String(), c.log) {
					t.Errorf("log has no %q:\n%s", c.log, log)
				}
			})
		})
	}
}

func TestAskOfAClientWhoLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, _ := gated(t, asker{func(ctx context.Context) (bool, error) { cancel(); <-ctx.Done(); return false, ctx.Err() }})
	if _, err := d.Ask(ctx, question()); !errors.Is(err, context.Canceled) || errors.Is(err, actions.ErrDenied) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestAskOnlyForTheKindsOfAGate(t *testing.T) {
	d, _ := gated(t, asker{func(context.Context) (bool, error) { t.Error("asked"); return true, nil }})
	e := question()
	e.Kind = actions.DeleteDone
	if v, err := d.Ask(t.Context(), e); v.Decision != actions.Proceed || err != nil {
		t.Errorf("Ask = %v, %v", v, err)
	}
}

func question() *actions.Event {
	e := event("01Q", "/a")
	e.Kind = actions.DeleteCheck
	return e
}

func gated(t *testing.T, askers ...actions.Asker) (*outbox.Dispatcher, *logs) {
	t.Helper()
	var hooks outbox.Hooks
	for _, a := range askers {
		hooks.Gates = append(hooks.Gates, outbox.Gate{Name: "gate", Asker: a, Kinds: []actions.Kind{actions.DeleteCheck}, Manner: outbox.Manner{Handles: true}})
	}
	log := new(logs)
	d, err := outbox.New(newStore(), hooks, nil, log.logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return d, log
}
