package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"sftpgo/actions"
)

// Gate is a receiver of questions.
type Gate struct {
	Name  string
	Asker actions.Asker
	Kinds []actions.Kind // of the questions that it answers
	// Wants leaves out questions of these kinds; nil leaves out none. It must be safe
	// for concurrent use.
	Wants func(e *actions.Event) bool
	// Manner says how the answers are read.
	Manner Manner
}

func (g Gate) wants(e *actions.Event) bool {
	return slices.Contains(g.Kinds, e.Kind) && (g.Wants == nil || g.Wants(e))
}

// handles reports whether success means that the hook has done itself what was
// asked about. It is never a veto.
func (g Gate) handles(k actions.Kind) bool { return k == actions.DeleteCheck && g.Manner.Handles }

// asked returns the gates to ask about e, in that order: those that can refuse come
// before those that might do it themselves.
func (d *Dispatcher) asked(e *actions.Event) []Gate {
	var refusing, handling []Gate
	for _, g := range d.gates {
		switch {
		case !g.wants(e):
		case g.handles(e.Kind):
			handling = append(handling, g)
		default:
			refusing = append(refusing, g)
		}
	}
	return append(refusing, handling...)
}

// Asks implements actions.Gate.
func (d *Dispatcher) Asks(e *actions.Event) bool {
	return slices.ContainsFunc(d.gates, func(g Gate) bool { return g.wants(e) })
}

// Ask implements actions.Gate. The gates are asked one after the other in the order
// of the configuration; the first that refuses ends it. All share one time limit:
// the built-in one, or that of the most patient of them if it is longer.
func (d *Dispatcher) Ask(ctx context.Context, e *actions.Event) (actions.Verdict, error) {
	gates := d.asked(e)
	if len(gates) == 0 {
		return actions.Verdict{}, nil
	}
	limit := d.limit
	for _, g := range gates {
		limit = max(limit, g.Manner.Limit)
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	var verdict actions.Verdict
	for _, g := range gates {
		answer, err := ask(limited, g.Asker, e)
		if ctx.Err() != nil {
			return actions.Verdict{}, fmt.Errorf("ask hook %s: %w", g.Name, context.Cause(ctx))
		}
		v, err := g.Read(e.Kind, answer, err)
		g.record(d.log.With("hook", g.Name, "event_id", e.ID, "kind", string(e.Kind), "path", e.Object.Path), v, answer, err)
		switch {
		case err != nil && g.goesOn(e.Kind, err):
		case err != nil:
			return actions.Verdict{}, err
		case v.Decision == actions.Handled || v.Decision == actions.Quarantine:
			return v, nil
		default:
			verdict = merged(verdict, v)
		}
	}
	return verdict, nil
}

// goesOn reports whether the server goes on although the gate said err.
func (g Gate) goesOn(k actions.Kind, err error) bool {
	return g.handles(k) || g.Manner.OnError == Allow && errors.Is(err, actions.ErrUnanswered)
}

// record says in the log what became of a question.
func (g Gate) record(log *slog.Logger, v actions.Verdict, answer actions.Answer, err error) {
	if answer.Output != "" {
		log = log.With("output", answer.Output)
	}
	switch {
	case errors.Is(err, actions.ErrUnanswered):
		logFailure(log, err).Warn("the hook has not answered")
	case g.Manner.Handles && err != nil:
		log.Info("the hook did not handle it, the server goes on by itself")
	case err != nil:
		log.Info("the hook refuses", "error", err)
	case v.Decision == actions.Rename || v.Decision == actions.Quarantine:
		log.Info("the hook moves the upload", "to", v.Name, "quarantine", v.Decision == actions.Quarantine)
	}
}

// Header implements actions.Dispatcher.
func (d *Dispatcher) Header(all map[string][]string) map[string][]string {
	var kept map[string][]string
	for _, keep := range d.headers {
		for name, values := range keep(all) {
			if kept == nil {
				kept = make(map[string][]string, len(all))
			}
			kept[name] = values
		}
	}
	return kept
}

// merged adds a further verdict: of what two gates want to change the first counts.
func merged(a, b actions.Verdict) actions.Verdict {
	if a.Decision == actions.Proceed {
		a.Decision, a.Name = b.Decision, b.Name
	}
	if a.UploadID == "" {
		a.UploadID = b.UploadID
	}
	if a.Metadata == nil {
		a.Metadata = b.Metadata
	}
	return a
}

// ask keeps the fault of one sink from taking the server down.
func ask(ctx context.Context, a actions.Asker, e *actions.Event) (answer actions.Answer, err error) {
	defer func() {
		if v := recover(); v != nil {
			answer, err = actions.Answer{}, fmt.Errorf("panic: %v", v)
		}
	}()
	return a.Ask(ctx, e)
}

// Manner says how the answers of a gate are read.
type Manner struct {
	// OnError is what counts when there is no answer.
	OnError OnError
	// Handles: exact success to DeleteCheck means that the hook has deleted the file
	// itself; anything else, and the server does. It is not a veto then.
	Handles bool
	// Tusd: an answer may be the JSON of tusd.
	Tusd bool
	// Quarantine is the directory for quarantined content; empty: the hook must name
	// where to.
	Quarantine string
	// Refusal is the status of HTTP that stands for the refusal of a receiver which has
	// none; 0: the protocol of the client chooses.
	Refusal int
	// Limit is how long the hook may take; 0 is the built-in limit of questions.
	Limit time.Duration
}

// OnError says what counts when there is no answer.
type OnError int

const (
	// Deny refuses.
	Deny OnError = iota
	// Allow lets the server go on.
	Allow
)
