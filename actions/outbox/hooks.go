package outbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sftpgo/actions"
)

// Target is a receiver of events.
type Target struct {
	Name    string // in the store; deliveries that wait stay with the name
	Sink    actions.Sink
	Kinds   []actions.Kind // of the events that it wants
	Workers int            // deliveries at the same time
	Limit   time.Duration  // longest that one delivery should take
}

// Gate is a receiver of questions.
type Gate struct {
	Name  string
	Asker actions.Asker
	Kinds []actions.Kind // of the questions that it answers
}

// Hooks are all receivers.
type Hooks struct {
	Targets []Target
	Gates   []Gate
	// Summary says in one line, without secrets, which hook is active.
	Summary string
}

// Receiver is a sink that can be made from the setting "hook". Its String is for
// people and has no secrets, Limit the longest that one call takes.
type Receiver interface {
	actions.Sink
	actions.Asker
	fmt.Stringer
	Limit() time.Duration
}

// Transports make the receivers, so that this package need not know any. Their
// errors say in one clear line what is wrong with the hook.
type Transports struct {
	Program  func(path string) (Receiver, error)
	Endpoint func(url string) (Receiver, error)
}

// ActionsTarget is the name of the hook of "common.actions" in the store and in
// logs. Deliveries survive a change of the hook: the new one gets them.
const ActionsTarget = "common.actions"

// NewHooks makes what the section "common.actions" asks for. An invalid setting
// and a program that cannot be run are errors; half a setting (events without a
// hook, a hook without events) is a warning in the log.
func NewHooks(section actions.Config, open Transports, cfg Config, log *slog.Logger) (Hooks, error) {
	if err := section.Validate(); err != nil {
		return Hooks{}, err
	}
	log = log.With("sender", sender)
	switch {
	case len(section.ExecuteOn) == 0 && section.Hook == "":
		return Hooks{Summary: "no hook"}, nil
	case section.Hook == "":
		log.Warn("common.actions.execute_on names events but common.actions.hook is empty: nobody is told")
		return Hooks{Summary: "no hook (common.actions.hook is empty)"}, nil
	case len(section.ExecuteOn) == 0:
		log.Warn("common.actions.hook is set but common.actions.execute_on is empty: the hook is never called")
		return Hooks{Summary: "no hook (common.actions.execute_on is empty)"}, nil
	}
	make, workers := open.Program, cfg.ProgramWorkers
	if section.HookIsURL() {
		make, workers = open.Endpoint, cfg.EndpointWorkers
	}
	r, err := make(section.Hook)
	if err != nil {
		return Hooks{}, fmt.Errorf("common.actions: %w", err)
	}
	hooks := Hooks{Summary: fmt.Sprintf("%s for %s", r, strings.Join(section.ExecuteOn, ", "))}
	questions, events := split(section.Kinds())
	if len(events) > 0 {
		hooks.Targets = []Target{{Name: ActionsTarget, Sink: r, Kinds: events, Workers: workers, Limit: r.Limit()}}
	}
	if len(questions) > 0 {
		hooks.Gates = []Gate{{Name: ActionsTarget, Asker: r, Kinds: questions}}
	}
	return hooks, nil
}

func split(kinds []actions.Kind) (questions, events []actions.Kind) {
	for _, k := range kinds {
		if k == actions.DeleteCheck {
			questions = append(questions, k)
		} else {
			events = append(events, k)
		}
	}
	return questions, events
}

// Close closes the receivers that are io.Closers. Call it when Run has returned
// and nobody asks any more.
func (h Hooks) Close() error {
	var closed []io.Closer
	var errs []error
	closeOnce := func(v any) {
		if c, ok := v.(io.Closer); ok && !slices.Contains(closed, c) {
			closed = append(closed, c)
			errs = append(errs, c.Close())
		}
	}
	for _, t := range h.Targets {
		closeOnce(t.Sink)
	}
	for _, g := range h.Gates {
		closeOnce(g.Asker)
	}
	return errors.Join(errs...)
}

func (h Hooks) validate() error {
	var errs []error
	seen := make(map[string]bool)
	for _, t := range h.Targets {
		if t.Name == "" || seen[t.Name] || t.Sink == nil || t.Workers <= 0 || t.Limit <= 0 {
			errs = append(errs, fmt.Errorf("target %q: needs a name of its own, a sink, workers and a limit", t.Name))
		}
		seen[t.Name] = true
	}
	for _, g := range h.Gates {
		if g.Asker == nil {
			errs = append(errs, fmt.Errorf("gate %q: has nobody to ask", g.Name))
		}
	}
	return errors.Join(errs...)
}
