package outbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	// Wants leaves out events of these kinds; nil leaves out none. It is asked when
	// an event is recorded, and must be safe for concurrent use.
	Wants func(e *actions.Event) bool
	// InLine are the kinds of events for which the operation waits that they tell of.
	// For UploadDone, Sink must be an actions.Asker.
	InLine []actions.Kind
	// Retries are the pauses of the target; nil are those of Config.
	Retries *Retries
	// HighWater is what happens when too much waits; unset, that of Config counts.
	HighWater actions.HighWater
}

// Retries are pauses after failed attempts, as in Config.
type Retries struct {
	Unreachable []time.Duration
	Rejected    []time.Duration
}

// Hooks are all receivers.
type Hooks struct {
	Targets []Target
	Gates   []Gate
	// Headers select what of the header of a request is kept for the hooks, one for
	// each that wants any.
	Headers []func(all map[string][]string) map[string][]string
	// Summary says without secrets which hooks are active, one line for each.
	Summary []string
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
	Program  func(path string) (Receiver, error) // of common.actions
	Endpoint func(url string) (Receiver, error)  // of common.actions
	Entry    func(h actions.Hook) (Receiver, error)
}

// ActionsTarget is the name of the hook of "common.actions" in the store and in
// logs. Deliveries survive a change of the hook: the new one gets them.
const ActionsTarget = "common.actions"

// TargetOf is the name of an entry of the section "hooks" in the store and in
// logs.
func TargetOf(h actions.Hook) string { return "hooks." + h.Name }

// NewHooks makes what the sections "common.actions" and "hooks" ask for. An
// invalid setting and a program that cannot be run are errors; half a setting of
// common.actions (events without a hook, a hook without events) is a warning in
// the log.
func NewHooks(section actions.Config, entries []actions.Hook, open Transports, cfg Config, log *slog.Logger) (Hooks, error) {
	if err := errors.Join(section.Validate(), actions.ValidateHooks(entries)); err != nil {
		return Hooks{}, err
	}
	hooks, err := newActions(section, open, cfg, log.With("sender", sender))
	if err != nil {
		return Hooks{}, err
	}
	for _, h := range entries {
		if err := hooks.add(h, open, cfg); err != nil {
			return Hooks{}, errors.Join(err, hooks.Close())
		}
	}
	return hooks, nil
}

// newActions is the hook of common.actions.
func newActions(section actions.Config, open Transports, cfg Config, log *slog.Logger) (Hooks, error) {
	switch {
	case len(section.ExecuteOn) == 0 && section.Hook == "":
		return Hooks{}, nil
	case section.Hook == "":
		log.Warn("common.actions.execute_on names events but common.actions.hook is empty: nobody is told")
		return Hooks{}, nil
	case len(section.ExecuteOn) == 0:
		log.Warn("common.actions.hook is set but common.actions.execute_on is empty: the hook is never called")
		return Hooks{}, nil
	}
	make, workers := open.Program, cfg.ProgramWorkers
	if section.HookIsURL() {
		make, workers = open.Endpoint, cfg.EndpointWorkers
	}
	r, err := make(section.Hook)
	if err != nil {
		return Hooks{}, fmt.Errorf("common.actions: %w", err)
	}
	hooks := Hooks{Summary: []string{fmt.Sprintf("%s for %s", r, strings.Join(section.ExecuteOn, ", "))}}
	questions, events := split(section.Kinds())
	if len(events) > 0 {
		hooks.Targets = []Target{{Name: ActionsTarget, Sink: r, Kinds: events, Workers: workers, Limit: r.Limit(), Wants: section.Wants,
			InLine: section.SyncKinds()}}
	}
	if len(questions) > 0 {
		hooks.Gates = []Gate{ActionsGate(section, r)}
	}
	return hooks, nil
}

// add makes the target of an entry, with a lane, workers and a schedule of its own.
func (h *Hooks) add(entry actions.Hook, open Transports, cfg Config) error {
	r, err := open.Entry(entry)
	if err != nil {
		return fmt.Errorf("hooks: %s: %w", entry.Name, err)
	}
	questions, kinds := split(entry.Kinds())
	if len(questions) > 0 {
		h.Gates = append(h.Gates, GateOf(entry, r))
	}
	h.Headers = append(h.Headers, entry.Headers)
	workers := cfg.ProgramWorkers
	if entry.IsURL() || entry.IsBroker() {
		workers = cfg.EndpointWorkers
	}
	h.Targets = append(h.Targets, Target{
		Name: TargetOf(entry), Sink: r, Kinds: kinds, Workers: workers, Limit: r.Limit(), Wants: entry.Wants,
		HighWater: entry.HighWater,
		Retries: &Retries{
			Unreachable: entry.Retry.Schedule(cfg.Unreachable),
			Rejected:    entry.Retry.Schedule(cfg.Rejected),
		},
	})
	events := "all events that it has names for"
	if len(entry.Events) > 0 {
		events = strings.Join(entry.Events, ", ")
	}
	h.Summary = append(h.Summary, fmt.Sprintf("%s: %s as %s for %s", entry.Name, r, entry.Dialect(), events))
	return nil
}

// ActionsGate asks the hook of common.actions: for it, success of pre-delete means that
// the hook has deleted the file.
func ActionsGate(section actions.Config, r actions.Asker) Gate {
	questions, _ := split(section.Kinds())
	return Gate{Name: ActionsTarget, Asker: r, Kinds: questions, Manner: Manner{Handles: true}}
}

// GateOf asks an entry the questions that it is configured for.
func GateOf(entry actions.Hook, r actions.Asker) Gate {
	questions, _ := split(entry.Kinds())
	m := Manner{
		Handles:    entry.HandlesDeletes(),
		Tusd:       entry.Responses == actions.ResponsesTusd,
		Quarantine: entry.Quarantine,
		Limit:      entry.Limit(),
	}
	if !entry.Denies() {
		m.OnError = Allow
	}
	if entry.IsUploadHook() {
		m.Refusal = http.StatusBadRequest
	}
	return Gate{Name: TargetOf(entry), Asker: r, Kinds: questions, Wants: entry.Asks, Manner: m}
}

func split(kinds []actions.Kind) (questions, events []actions.Kind) {
	for _, k := range kinds {
		if k.Question() {
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
		if _, asker := t.Sink.(actions.Asker); !asker && slices.Contains(t.InLine, actions.UploadDone) {
			errs = append(errs, fmt.Errorf("target %q: cannot be asked about uploads in line", t.Name))
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
