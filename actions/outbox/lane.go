package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

const (
	// attemptSlack is added to what a sink says a delivery may take, then it is
	// abandoned.
	attemptSlack = 5 * time.Second
	// leaseSlack covers the time between a claim and its arrival here. A lease
	// lasts two attempts, since a delivery in hand may wait for one worker, and
	// this.
	leaseSlack = 20 * time.Second
	// storeLimit is the deadline for recording outcomes, which goes on when the
	// context of Run has ended.
	storeLimit = 10 * time.Second
	// pace is the least time between two visits to the store: what happens
	// meanwhile shares the transactions of the next one.
	pace = 20 * time.Millisecond
)

// lane is the way to one target: a loop that alone talks to the store, and
// workers that deliver.
type lane struct {
	target Target
	worker worker
	store  dataprovider.Outbox
	cfg    Config
	log    *slog.Logger
	level  *level
	burst  burstWatch
	inline *inline

	wake    chan struct{}
	urgent  chan struct{} // an operation waits for what was recorded
	jobs    chan job
	results chan result // has room for all in hand, so that workers never wait

	// Below: only for the loop.
	inHand   int      // claimed, result not yet received
	owed     []result // to be recorded in the store
	released bool     // the leases that this process, or an earlier one, has forgotten
	hurry    bool     // an operation waits, and so nothing else does
	more     bool     // the last claim got all that it asked for
	failing  bool     // the store, and the log knows
}

func newLane(t Target, store dataprovider.Outbox, m Metrics, log *slog.Logger, cfg Config) *lane {
	room := 2 * t.Workers
	mark := t.HighWater
	if !mark.Set() {
		mark = cfg.HighWater
	}
	in := newInline(t)
	return &lane{
		target:  t,
		worker:  worker{target: t, metrics: m, log: log, cfg: cfg, inline: in},
		store:   store,
		cfg:     cfg,
		log:     log,
		level:   newLevel(mark, log),
		inline:  in,
		wake:    make(chan struct{}, 1),
		urgent:  make(chan struct{}, 1),
		jobs:    make(chan job, room),
		results: make(chan result, room),
	}
}

// lease is how long a claim holds.
func (l *lane) lease() time.Duration { return 2*(l.target.Limit+attemptSlack) + leaseSlack }

func (l *lane) run(ctx context.Context) {
	deliver, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var workers sync.WaitGroup
	for range l.target.Workers {
		workers.Go(func() {
			for j := range l.jobs {
				l.results <- l.worker.deliver(deliver, j)
			}
		})
	}
	l.loop(ctx)
	l.drain(ctx, abandon)
	close(l.jobs)
	workers.Wait()
	l.inline.stop()
}

// loop claims and records until ctx is done.
func (l *lane) loop(ctx context.Context) {
	tick := time.NewTicker(l.cfg.Poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		l.giveWay(ctx)
		l.step(ctx)
		visited := time.Now()
		select {
		case <-ctx.Done():
		case r := <-l.results:
			l.receive(r)
		case <-l.wake:
			l.lookAround(ctx)
		case <-l.urgent:
			l.hurry = true
		case <-tick.C:
		}
		l.gather(ctx, time.Until(visited.Add(pace)))
	}
}

// gather receives results for a while. It ends early when nothing is in hand any
// more, or when workers would have nothing to do though more is waiting.
func (l *lane) gather(ctx context.Context, while time.Duration) {
	if while <= 0 || l.hurry {
		return
	}
	timer := time.NewTimer(while)
	defer timer.Stop()
	for l.inHand > 0 && (!l.more || l.inHand > l.target.Workers) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-l.urgent:
			l.hurry = true
			return
		case r := <-l.results:
			l.receive(r)
		}
	}
}

// step records what is owed, then claims what there is room for. Nothing is
// claimed while an acknowledgement is owed: a lease that ran out meanwhile would
// bring back what was delivered.
func (l *lane) step(ctx context.Context) {
	hurry := l.hurry
	l.hurry = false
	if len(l.owed) > 0 && !l.said(l.record(ctx)) {
		return
	}
	// While more than there are workers is in hand, the rest can wait: then many
	// are claimed at once.
	if l.inHand > l.target.Workers && !hurry {
		return
	}
	if err := l.claim(ctx); ctx.Err() == nil {
		l.said(err)
	}
}

// receive takes a result and those that are there as well.
func (l *lane) receive(r result) {
	for {
		l.inHand--
		if r.outcome != unfinished {
			l.owed = append(l.owed, r)
		}
		select {
		case r = <-l.results:
		default:
			return
		}
	}
}

func (l *lane) claim(ctx context.Context) error {
	if !l.released && l.inHand == 0 {
		if err := l.store.Release(ctx, l.target.Name); err != nil {
			return err
		}
		l.released = true
	}
	expires := time.Now().Add(l.lease())
	room := cap(l.jobs) - l.inHand
	claimed, err := l.store.Claim(ctx, l.target.Name, room, l.lease())
	if err != nil {
		l.released = false // the store may have done it, and the answer was lost
		return err
	}
	l.more = len(claimed) == room
	for _, d := range claimed {
		l.inHand++
		l.jobs <- job{d, expires} // has room
	}
	return nil
}

// record tells the store how deliveries ended; what it could not be told stays
// owed.
func (l *lane) record(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	var done, failed []result
	for _, r := range l.owed {
		if r.outcome == delivered {
			done = append(done, r)
		} else {
			failed = append(failed, r)
		}
	}
	if err := l.recordDelivered(ctx, done); err != nil {
		return err
	}
	l.level.add(-int64(len(done)))
	for i, r := range failed {
		if err := l.recordFailure(ctx, r); err != nil {
			l.owed = failed[i:]
			return err
		}
	}
	l.owed = nil
	return nil
}

func (l *lane) recordDelivered(ctx context.Context, done []result) error {
	if len(done) == 0 {
		return nil
	}
	if !l.cfg.History.Keeps() {
		ids := make([]int64, 0, len(done))
		for _, r := range done {
			ids = append(ids, r.id)
		}
		return l.store.Done(ctx, ids...)
	}
	acks := make([]dataprovider.Acknowledgement, 0, len(done))
	for _, r := range done {
		acks = append(acks, dataprovider.Acknowledgement{ID: r.id, Try: r.try})
	}
	return l.store.Acknowledge(ctx, acks...)
}

func (l *lane) recordFailure(ctx context.Context, r result) error {
	var err error
	switch r.outcome {
	case dead:
		if err = l.store.Bury(ctx, r.id, r.try); err == nil {
			l.level.add(-1)
		}
	case aside:
		err = l.store.StepAside(ctx, r.id, r.at, r.try)
	default:
		err = l.store.Retry(ctx, r.id, r.at, r.try)
	}
	if errors.Is(err, dataprovider.ErrNotFound) {
		return nil // removed meanwhile, by whoever administers the store
	}
	return err
}

// drain lets what has begun end, within the drain time, and forgets the rest: it
// is still in the store.
func (l *lane) drain(ctx context.Context, abandon context.CancelFunc) {
	timer := time.AfterFunc(l.cfg.Drain, abandon)
	defer timer.Stop()
	for begun := false; !begun; {
		select {
		case <-l.jobs:
			l.inHand--
		default:
			begun = true
		}
	}
	for l.inHand > 0 {
		l.receive(<-l.results)
		if len(l.owed) > 0 {
			l.said(l.record(ctx))
		}
	}
	if len(l.owed) > 0 && !l.said(l.record(ctx)) {
		l.log.Error("delivered events could not be recorded and will be delivered again", "events", len(l.owed))
	}
}

// said logs the first failure of the store in a row and its end. It reports
// whether there was none.
func (l *lane) said(err error) bool {
	switch {
	case err != nil && !l.failing:
		l.log.Warn("the outbox cannot be used, deliveries wait", "error", err)
	case err == nil && l.failing:
		l.log.Info("the outbox can be used again")
	}
	l.failing = err != nil
	return err == nil
}
