package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// journal records intentions and outcomes in the store.
type journal struct {
	outbox  dataprovider.Outbox
	hooks   actions.Dispatcher
	records records

	turn    sync.Mutex // of retry
	mu      sync.Mutex
	waiting []outcome    // what the store would not take, in order; see retry
	late    atomic.Int64 // how many that are
}

// outcome is the end of an intention (0: there was none).
type outcome struct {
	id      int64
	dropped bool // nothing came of it
	s       dataprovider.Settlement
}

// maxWaiting is how many outcomes wait for the store until nothing new begins that
// would add to them.
const maxWaiting = 10000

// wanted reports whether a change needs the journal: somebody is told of it, or
// usage is counted.
func (j *journal) wanted(kind actions.Kind, count bool) bool {
	return count || j.hooks.Wants(kind)
}

func (j *journal) begin(ctx context.Context, in *intent) (int64, error) {
	text := j.records.get()
	defer j.records.put(text)
	if err := text.write(in.appendJSON); err != nil {
		return 0, err
	}
	if !in.Count && len(in.Properties) == 0 {
		return j.outbox.Announce(ctx, text.bytes)
	}
	return j.outbox.Begin(ctx, text.bytes)
}

// amend makes an intention read differently.
func (j *journal) amend(ctx context.Context, id int64, in *intent) error {
	text, err := in.appendJSON(nil)
	if err != nil {
		return err
	}
	_, err = j.outbox.Settle(ctx, 0, dataprovider.Settlement{Amended: []dataprovider.Pending{{ID: id, Record: text}}})
	return err
}

// drop forgets an intention of which nothing came, also when the client has gone
// meanwhile: the next start would take it for an operation that was cut short.
func (j *journal) drop(ctx context.Context, id int64) {
	if id == 0 {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	_ = j.end(ctx, outcome{id: id, dropped: true}) // it is tried again
}

// along is what else a change brings with it.
type along struct {
	amended    []dataprovider.Pending // intentions of others that the change concerns
	properties []dataprovider.PropertyMove
	line       *inLine // who waits for the event; nil: nobody
}

// settle records the outcome. e is nil when nobody is to be told; delta counts for
// owner unless owner is empty. An outcome that the store does not take is kept and tried again,
// because the change has happened.
func (j *journal) settle(ctx context.Context, id int64, e *actions.Event, owner string, delta dataprovider.Amount,
	with along,
) error {
	var s dataprovider.Settlement
	if e != nil {
		if s.Targets = j.hooks.Route(e); len(s.Targets) > 0 {
			text := j.records.get()
			defer j.records.put(text)
			if err := text.write(e.AppendJSON); err != nil {
				return fmt.Errorf("encode event: %w", err)
			}
			s.EventID, s.Event, s.Keys = e.ID, text.bytes, e.Keys()
			with.line.expect(j.hooks, e)
		}
	}
	if owner != "" && !delta.IsZero() {
		s.Owner, s.Delta = owner, delta
	}
	s.Amended, s.Properties = with.amended, with.properties
	o := outcome{id: id, s: s}
	if len(s.Targets) == 0 && s.Owner == "" && len(s.Amended) == 0 && len(s.Properties) == 0 {
		if id == 0 {
			return nil
		}
		o = outcome{id: id, dropped: true}
	}
	if err := j.end(ctx, o); err != nil && !o.dropped {
		with.line.forget()
		return fmt.Errorf("record outcome: %w", err)
	}
	return nil
}

// end tells the store of an outcome, after those that it did not take before: of
// one file the first comes first.
func (j *journal) end(ctx context.Context, o outcome) error {
	if j.backlog() > 0 && j.retry(ctx) > 0 {
		j.push(o)
		return fmt.Errorf("%w: earlier outcomes wait", dataprovider.ErrUnavailable)
	}
	err := j.tell(ctx, o)
	if err != nil {
		j.push(o)
	}
	return err
}

func (j *journal) tell(ctx context.Context, o outcome) error {
	if o.dropped {
		return j.outbox.Drop(ctx, o.id)
	}
	_, err := j.outbox.Settle(ctx, o.id, o.s)
	if errors.Is(err, dataprovider.ErrTakenOver) {
		// Another server has told that it was interrupted, and counted it. What became
		// of it in truth is told as well.
		o.s.Owner, o.s.Delta = "", dataprovider.Amount{}
		_, err = j.outbox.Settle(ctx, 0, o.s)
	}
	if err != nil {
		return err
	}
	if len(o.s.Targets) > 0 {
		if r, ok := j.hooks.(actions.Recorder); ok {
			r.Recorded(o.s.Targets)
		}
		j.hooks.Wake()
	}
	return nil
}

func (j *journal) push(o outcome) {
	o.s.Event = slices.Clone(o.s.Event) // it is in a buffer
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, o)
	j.late.Store(int64(len(j.waiting)))
}

// backlog tells how many outcomes wait.
func (j *journal) backlog() int { return int(j.late.Load()) }

// retry tells what could not be told before. It returns how many outcomes still
// wait.
func (j *journal) retry(ctx context.Context) int {
	j.turn.Lock()
	defer j.turn.Unlock()
	for {
		j.mu.Lock()
		n := len(j.waiting)
		if n == 0 {
			j.mu.Unlock()
			return 0
		}
		o := j.waiting[0]
		j.mu.Unlock()
		// ErrNotFound: an earlier try came through after all.
		if err := j.tell(ctx, o); err != nil && !errors.Is(err, dataprovider.ErrNotFound) {
			return n
		}
		j.mu.Lock()
		j.waiting = j.waiting[1:]
		j.late.Store(int64(len(j.waiting)))
		j.mu.Unlock()
	}
}

// settling bounds the end of an operation, which must not be cut short because
// the client has gone.
const settling = 30 * time.Second

func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settling)
}
