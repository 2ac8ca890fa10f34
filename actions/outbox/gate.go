package outbox

import (
	"context"
	"fmt"
	"slices"

	"sftpgo/actions"
)

// Ask implements actions.Gate. Handled means that a hook said so; any other
// outcome, a broken hook or one beyond the time limit included, lets the server
// proceed: a hook that is broken never blocks a deletion. The only error is the
// end of ctx itself, when the client has gone.
func (d *Dispatcher) Ask(ctx context.Context, e *actions.Event) (actions.Verdict, error) {
	limited, cancel := context.WithTimeoutCause(ctx, d.limit,
		fmt.Errorf("no answer within %v: %w", d.limit, context.DeadlineExceeded))
	defer cancel()
	for _, g := range d.gates {
		if !slices.Contains(g.Kinds, e.Kind) {
			continue
		}
		ok, err := ask(limited, g.Asker, e)
		log := d.log.With("hook", g.Name, "event_id", e.ID, "kind", string(e.Kind), "path", e.Object.Path)
		switch {
		case ok && err == nil:
			return actions.Handled, nil
		case ctx.Err() != nil:
			return actions.Proceed, fmt.Errorf("ask hook %s: %w", g.Name, context.Cause(ctx))
		case err != nil:
			logFailure(log, err).Warn("the hook could not be asked, the server goes on by itself")
		default:
			log.Info("the hook did not handle it, the server goes on by itself")
		}
	}
	return actions.Proceed, nil
}

// ask keeps the fault of one sink from taking the server down.
func ask(ctx context.Context, a actions.Asker, e *actions.Event) (ok bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			ok, err = false, fmt.Errorf("panic: %v", v)
		}
	}()
	return a.Ask(ctx, e)
}
