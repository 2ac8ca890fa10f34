package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// job is a claimed delivery.
type job struct {
	dataprovider.Delivery
	expires time.Time // of the lease
}

type outcome int

const (
	unfinished outcome = iota // not begun or abandoned: nothing to record
	delivered
	failed // to be tried again
	aside  // the same, out of line
	dead   // given up
)

// result is how an attempt ended.
type result struct {
	id      int64
	outcome outcome
	at      time.Time // of the next attempt, when failed or aside
	try     dataprovider.Try
}

// worker makes attempts on one target. It is safe for concurrent use.
type worker struct {
	target  Target
	metrics Metrics
	log     *slog.Logger
	cfg     Config
	inline  *inline
}

func (w worker) deliver(ctx context.Context, j job) result {
	limit := w.target.Limit + attemptSlack
	if ctx.Err() != nil || time.Until(j.expires) < limit {
		return result{id: j.ID} // a suspended machine: the lease would not last
	}
	var said actions.Receipt
	e, err := actions.ReadEvent(j.Event)
	awaited := w.inline.begin(j.EventID)
	defer func() { awaited.end(err) }()
	if err != nil {
		return w.bury(j, fmt.Errorf("decode event: %w", err), dataprovider.Try{Began: time.Now()})
	}
	attempt, cancel := context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("abandoned after %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	if w.cfg.History.Keeps() {
		attempt = actions.WithReceipt(attempt, &said)
	}
	start := time.Now()
	if awaited.Decides() {
		err = w.deliverInLine(attempt, e)
	} else {
		err = deliver(attempt, w.target.Sink, e)
	}
	try := dataprovider.Try{Began: start.UTC(), Took: time.Since(start)}
	switch {
	case err == nil:
		w.delivered(j, e, try)
		try.Answer, try.Output = said.Status, said.Output
		return result{id: j.ID, outcome: delivered, try: try}
	case ctx.Err() != nil:
		w.log.Info("delivery interrupted by the end of the server, the next start repeats it", "event_id", j.EventID)
		err = nil // nothing is decided
		return result{id: j.ID}
	case awaited.Decides():
		return w.told(j, err, try)
	}
	return w.fail(j, e, err, try)
}

// delivered counts what was acknowledged, and tells the log, in detail only if it
// was not the first try.
func (w worker) delivered(j job, e *actions.Event, try dataprovider.Try) {
	w.metrics.Delivered(w.target.Name, try.Took, time.Since(j.Settled))
	level := slog.LevelDebug
	if j.Attempt > 1 {
		level = slog.LevelInfo
	}
	if w.log.Enabled(context.Background(), level) {
		w.log.Log(context.Background(), level, "delivered", "event_id", j.EventID, "kind", string(e.Kind), "path", e.Object.Path,
			"attempt", j.Attempt, "took", try.Took.Round(time.Microsecond).String())
	}
}

// fail decides when the delivery is tried again, if at all.
func (w worker) fail(j job, e *actions.Event, err error, try dataprovider.Try) result {
	pauses := w.retries()
	schedule, end := pauses.Unreachable, failed
	if errors.Is(err, actions.ErrRejected) {
		schedule = pauses.Rejected
		if j.Attempt > w.cfg.Hold {
			end = aside
		}
	}
	if j.Attempt > len(schedule) {
		return w.bury(j, err, try)
	}
	pause := jitter(schedule[max(j.Attempt, 1)-1])
	w.metrics.Failed(w.target.Name, try.Took)
	logFailure(w.log, err).Warn("delivery failed", "event_id", j.EventID, "kind", string(e.Kind),
		"path", e.Object.Path, "attempt", j.Attempt, "next_in", pause.Round(time.Millisecond).String())
	return result{id: j.ID, outcome: end, at: time.Now().Add(pause), try: failedTry(try, err)}
}

func (w worker) retries() Retries {
	if w.target.Retries != nil {
		return *w.target.Retries
	}
	return Retries{Unreachable: w.cfg.Unreachable, Rejected: w.cfg.Rejected}
}

func (w worker) bury(j job, err error, try dataprovider.Try) result {
	w.metrics.Failed(w.target.Name, try.Took)
	w.metrics.Dead(w.target.Name)
	logFailure(w.log, err).Error("delivery given up, the event is kept as a dead letter", "event_id", j.EventID,
		"attempt", j.Attempt, "settled", j.Settled)
	return result{id: j.ID, outcome: dead, try: failedTry(try, err)}
}

// deliver keeps the fault of one sink from taking the server down.
func deliver(ctx context.Context, s actions.Sink, e *actions.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return s.Deliver(ctx, e)
}

// jitter spreads what failed together over a fifth of the pause.
func jitter(d time.Duration) time.Duration {
	if d < 5 {
		return d
	}
	return d + rand.N(d/5)
}

// failedTry is what the store keeps of a failure.
func failedTry(t dataprovider.Try, err error) dataprovider.Try {
	t.Failed, t.Answer = true, err.Error()
	var out *actions.OutputError
	if errors.As(err, &out) {
		t.Output = out.Output
	}
	return t
}

// logFailure adds an error and what the receiver said.
func logFailure(log *slog.Logger, err error) *slog.Logger {
	log = log.With("error", err.Error())
	var out *actions.OutputError
	if errors.As(err, &out) && out.Output != "" {
		log = log.With("output", out.Output)
	}
	return log
}
