// Package outbox delivers events at least once: it takes them from the outbox of
// the data store, where the session layer has put them together with what they
// tell of, and hands them to the sinks until each has acknowledged.
//
// Each target has a lane of its own, so that a slow one delays no other. A lane
// claims deliveries under a lease, and the store holds an event back while an
// earlier one about the same file is not done. Failures are tried again on a
// schedule that outlives restarts; what has failed too often becomes a dead
// letter. What a killed process had in hand is delivered again with the same id.
package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// sender names this module in log records.
const sender = "actions"

// Metrics is what a Dispatcher counts. How much waits is known to the store
// (dataprovider.Outbox.Backlog).
type Metrics interface {
	// Delivered counts an event that was acknowledged: how long the attempt took, and
	// how long it is since the event was recorded.
	Delivered(target string, took, since time.Duration)
	Failed(target string, took time.Duration) // an attempt; the delivery is tried again or becomes Dead
	Dead(target string)                       // given up
	// Held counts an upload that a policy of actions.HighWater held up or refused.
	Held(target, policy string)
}

// Dispatcher implements actions.Dispatcher over the outbox of a store. It is safe
// for concurrent use.
type Dispatcher struct {
	store   dataprovider.Outbox
	gates   []Gate
	limit   time.Duration // of a question
	history History
	lanes   []*lane
	routes  map[actions.Kind]*routes
	wanted  map[actions.Kind]bool
	headers []func(all map[string][]string) map[string][]string
	log     *slog.Logger
}

var (
	_ actions.Dispatcher = (*Dispatcher)(nil)
	_ actions.Admitter   = (*Dispatcher)(nil)
	_ actions.Recorder   = (*Dispatcher)(nil)
	_ actions.Inliner    = (*Dispatcher)(nil)
)

// New returns a dispatcher; nothing is delivered before Run. metrics may be nil.
func New(store dataprovider.Outbox, hooks Hooks, metrics Metrics, log *slog.Logger, cfg Config) (*Dispatcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := hooks.validate(); err != nil {
		return nil, err
	}
	if metrics == nil {
		metrics = noMetrics{}
	}
	log = log.With("sender", sender)
	d := &Dispatcher{
		store:   store,
		gates:   hooks.Gates,
		limit:   cfg.AskLimit,
		history: cfg.History,
		routes:  make(map[actions.Kind]*routes),
		wanted:  make(map[actions.Kind]bool),
		headers: hooks.Headers,
		log:     log,
	}
	for _, t := range hooks.Targets {
		l := newLane(t, store, metrics, log.With("target", t.Name), cfg)
		d.lanes = append(d.lanes, l)
		for _, k := range t.Kinds {
			d.routes[k] = d.routes[k].with(route{l, t.Wants})
			d.wanted[k] = true
		}
	}
	for _, g := range hooks.Gates {
		for _, k := range g.Kinds {
			d.wanted[k] = true
		}
	}
	return d, nil
}

// route is a target that gets events of a kind.
type route struct {
	lane  *lane
	wants func(e *actions.Event) bool // nil: all
}

func (r route) takes(e *actions.Event) bool { return r.wants == nil || r.wants(e) }

// routes are those of a kind; nil is none.
type routes struct {
	list  []route
	names []string // of all targets
}

func (r *routes) with(other route) *routes {
	if r == nil {
		r = &routes{}
	}
	r.list, r.names = append(r.list, other), append(r.names, other.lane.target.Name)
	return r
}

// of returns the routes of events of a kind.
func (d *Dispatcher) of(k actions.Kind) []route {
	if r := d.routes[k]; r != nil {
		return r.list
	}
	return nil
}

// Route implements actions.Dispatcher. Most often all targets want the event, which
// takes no memory.
func (d *Dispatcher) Route(e *actions.Event) []string {
	r := d.routes[e.Kind]
	if r == nil {
		return nil
	}
	targets, all := r.names, true
	for i, to := range r.list {
		takes := to.takes(e)
		switch {
		case !takes && all:
			targets, all = append([]string(nil), r.names[:i]...), false
		case takes && !all:
			targets = append(targets, r.names[i])
		}
	}
	return targets
}

// Recorded implements actions.Recorder.
func (d *Dispatcher) Recorded(targets []string) {
	for _, l := range d.lanes {
		if slices.Contains(targets, l.target.Name) {
			l.level.add(1)
			l.burst.recorded.Add(1)
		}
	}
}

// Wants implements actions.Dispatcher.
func (d *Dispatcher) Wants(k actions.Kind) bool { return d.wanted[k] }

// Wake implements actions.Dispatcher.
func (d *Dispatcher) Wake() {
	for _, l := range d.lanes {
		if len(l.target.InLine) > 0 && l.inline.any() {
			select {
			case l.urgent <- struct{}{}:
			default:
			}
		}
		select {
		case l.wake <- struct{}{}:
		default: // it has yet to act on an earlier call
		}
	}
}

// Run delivers until ctx is done. Then it claims nothing more, gives running
// deliveries the drain time, abandons the rest, which stays in the store, and
// returns. Call it once. Processes that share a store (dataprovider.Peers) all do.
func (d *Dispatcher) Run(ctx context.Context) {
	d.reportOrphans(ctx)
	var lanes sync.WaitGroup
	for _, l := range d.lanes {
		lanes.Go(func() { l.run(ctx) })
	}
	lanes.Go(func() { d.sweep(ctx) })
	lanes.Go(func() { d.watchLevels(ctx) })
	lanes.Wait()
}

// reportOrphans names what waits for targets that are no longer configured.
func (d *Dispatcher) reportOrphans(ctx context.Context) {
	backlog, err := d.store.Backlog(ctx)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("cannot tell how many events wait for delivery", "error", err)
	}
	for _, b := range backlog {
		known := slices.ContainsFunc(d.lanes, func(l *lane) bool { return l.target.Name == b.Target })
		switch {
		case !known && b.Queued > 0:
			d.log.Warn("events wait for a hook that is not configured any more", "target", b.Target, "queued", b.Queued, "oldest", b.Oldest)
		case b.Queued > 0:
			d.log.Info("events wait for delivery", "target", b.Target, "queued", b.Queued, "oldest", b.Oldest)
		}
	}
}

type noMetrics struct{}

func (noMetrics) Delivered(string, time.Duration, time.Duration) {}
func (noMetrics) Failed(string, time.Duration)                   {}
func (noMetrics) Dead(string)                                    {}
func (noMetrics) Held(string, string)                            {}
