package outbox

import (
	"context"
	"time"
)

// sweepPause is the time between two looks at the history.
const sweepPause = 10 * time.Second

// sweep forgets delivered events that need not be kept any more, until ctx is
// done.
func (d *Dispatcher) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	failing := false
	for {
		// Also when none are kept: the settings may have been others before.
		_, err := d.store.Sweep(ctx, time.Now().Add(-d.history.Age), d.history.Count)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			d.log.Warn("delivered events cannot be forgotten, they are kept longer", "error", err)
		case err == nil && !d.history.Keeps():
			return
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
