package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/actions"
)

const (
	// slowest is how long the policy slow holds up an upload.
	slowest = 2 * time.Second
	// levelPause is the time between two looks into the store, levelPressed that
	// while too much waits.
	levelPause   = 10 * time.Second
	levelPressed = time.Second
)

// level knows about how much waits for a target, without asking the store: it
// counts what is recorded and what is done, and is set right now and then. Other
// processes and the command line change the queue as well.
type level struct {
	mark    actions.HighWater
	log     *slog.Logger
	waiting atomic.Int64
	above   atomic.Bool

	mu      sync.Mutex    // of changes of above
	relief  chan struct{} // closed when the level falls below the mark; nil while it is not above
	reached time.Time
}

func newLevel(mark actions.HighWater, log *slog.Logger) *level {
	if mark.Policy == "" {
		mark.Policy = actions.PolicySpill
	}
	return &level{mark: mark, log: log}
}

// add changes the count.
func (l *level) add(n int64) {
	if l.mark.Events > 0 {
		l.judge(l.waiting.Add(n))
	}
}

// set corrects the count.
func (l *level) set(n int64) {
	l.waiting.Store(n)
	l.judge(n)
}

// judge compares the count with the mark. It counts as passed until a tenth less
// waits, so that the log does not tell of each event.
func (l *level) judge(n int64) {
	mark := int64(l.mark.Events)
	above := l.above.Load()
	if above && n >= mark-mark/10 && n > 0 || !above && n < mark {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.above.Load() != above {
		return // somebody else was quicker
	}
	l.above.Store(!above)
	if !above {
		l.relief, l.reached = make(chan struct{}), time.Now()
		l.log.Warn("more events wait for the hook than its high-water mark", "queued", n, "high_water", mark, "policy", l.mark.Policy)
		return
	}
	close(l.relief)
	l.relief = nil
	l.log.Info("fewer events wait for the hook than its high-water mark again", "queued", n, "after", time.Since(l.reached).Round(time.Second).String())
}

// presses reports whether uploads must be held up or refused.
func (l *level) presses() bool { return l.above.Load() && l.mark.Policy != actions.PolicySpill }

// hold applies the policy to one upload.
func (l *level) hold(ctx context.Context) error {
	if l.mark.Policy == actions.PolicyRefuse {
		return actions.ErrOverloaded
	}
	l.mu.Lock()
	relief := l.relief
	l.mu.Unlock()
	if relief == nil {
		return nil
	}
	timer := time.NewTimer(slowest)
	defer timer.Stop()
	select {
	case <-relief:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Admit implements actions.Admitter.
func (d *Dispatcher) Admit(ctx context.Context, describe func() actions.Event) error {
	var e *actions.Event
	for _, l := range d.lanes {
		if !l.level.presses() {
			continue
		}
		if e == nil {
			upload := describe()
			// How large it will be nobody knows: it may be wanted.
			upload.Kind, upload.Result.Size = actions.UploadDone, math.MaxInt64
			e = &upload
		}
		if !d.routed(e, l.target.Name) {
			continue
		}
		l.worker.metrics.Held(l.target.Name, l.level.mark.Policy)
		if err := l.level.hold(ctx); err != nil {
			return fmt.Errorf("hook %s: %w", l.target.Name, err)
		}
	}
	return nil
}

// routed reports whether a target gets an event.
func (d *Dispatcher) routed(e *actions.Event, target string) bool {
	for _, r := range d.of(e.Kind) {
		if r.lane.target.Name == target {
			return r.takes(e)
		}
	}
	return false
}

// watchLevels sets the counts right until ctx is done.
func (d *Dispatcher) watchLevels(ctx context.Context) {
	watched := false
	for _, l := range d.lanes {
		watched = watched || l.level.mark.Events > 0
	}
	for watched && ctx.Err() == nil {
		pause := levelPause
		// What is recorded while the store counts may be missed or counted twice: a
		// few events, until the next look.
		backlog, err := d.store.Backlog(ctx)
		for _, l := range d.lanes {
			if err == nil && l.level.mark.Events > 0 {
				n := int64(0)
				for _, b := range backlog {
					if b.Target == l.target.Name {
						n = b.Queued
					}
				}
				l.level.set(n)
			}
			if l.level.presses() {
				pause = levelPressed
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
