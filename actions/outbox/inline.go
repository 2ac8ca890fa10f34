package outbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// inline holds the events of a lane for which operations wait. It is safe for
// concurrent use.
type inline struct {
	limit time.Duration // until an attempt must have begun

	mu      sync.Mutex
	waiting map[string]*awaited // by event id; of which no attempt has begun
	stopped bool
}

func newInline(t Target) *inline {
	return &inline{limit: t.Limit, waiting: make(map[string]*awaited)}
}

// awaited implements actions.Awaited.
type awaited struct {
	in      *inline
	id      string
	decides bool
	done    chan struct{}
	err     error // once done is closed
}

var _ actions.Awaited = (*awaited)(nil)

// Expect implements actions.Inliner.
func (d *Dispatcher) Expect(e *actions.Event) actions.Awaited {
	for _, r := range d.of(e.Kind) {
		if !slices.Contains(r.lane.target.InLine, e.Kind) || !r.takes(e) {
			continue
		}
		if a := r.lane.inline.expect(e); a != nil {
			return a
		}
	}
	return nil
}

func (in *inline) expect(e *actions.Event) *awaited {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped {
		return nil
	}
	a := &awaited{in: in, id: e.ID, decides: e.Kind == actions.UploadDone, done: make(chan struct{})}
	in.waiting[e.ID] = a
	return a
}

// any reports whether an operation waits for an attempt to begin.
func (in *inline) any() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.waiting) > 0
}

// begin is called before an attempt; nil: nobody waits.
func (in *inline) begin(id string) *awaited {
	in.mu.Lock()
	defer in.mu.Unlock()
	a := in.waiting[id]
	delete(in.waiting, id)
	return a
}

// end tells of the outcome of an attempt that has begun.
func (a *awaited) end(err error) {
	if a == nil {
		return
	}
	if a.decides {
		a.err = err
	}
	close(a.done)
}

// stop lets all go that wait: this process makes no attempt any more.
func (in *inline) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stopped = true
	for _, a := range in.waiting {
		close(a.done)
	}
	clear(in.waiting)
}

// forget reports whether no attempt had begun; then none is waited for.
func (a *awaited) forget() bool {
	a.in.mu.Lock()
	defer a.in.mu.Unlock()
	if a.in.waiting[a.id] != a {
		return false
	}
	delete(a.in.waiting, a.id)
	return true
}

// Decides implements actions.Awaited.
func (a *awaited) Decides() bool { return a != nil && a.decides }

// Forget implements actions.Awaited.
func (a *awaited) Forget() { a.forget() }

// Wait implements actions.Awaited. An attempt that has begun ends, since sinks have a
// limit of their own.
func (a *awaited) Wait(ctx context.Context) error {
	turn := time.NewTimer(a.in.limit)
	defer turn.Stop()
	select {
	case <-a.done:
		return a.err
	case <-turn.C:
	case <-ctx.Done():
	}
	if a.forget() {
		return nil
	}
	if a.decides {
		<-a.done
		return a.err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
	}
	return nil
}

// deliverInLine is deliver for an attempt that decides: what the hook says is for the
// client, too, and so it is read like an answer to a question.
func (w worker) deliverInLine(ctx context.Context, e *actions.Event) error {
	answer, err := ask(ctx, w.target.Sink.(actions.Asker), e) // see Hooks.validate
	_, err = Gate{Name: w.target.Name}.Read(e.Kind, answer, err)
	status := "exit status 0"
	if answer.Status != 0 {
		status = fmt.Sprintf("status %d %s", answer.Status, http.StatusText(answer.Status))
	}
	switch {
	case err == nil:
		actions.Received(ctx, actions.Receipt{Status: status, Output: answer.Output})
		return nil
	case answer.Status != 0:
		err = fmt.Errorf("%s: %w", status, err)
	}
	return &actions.OutputError{Err: err, Output: answer.Output}
}

// told ends a delivery that failed in line: the client knows, and what it tells of has
// been taken back.
func (w worker) told(j job, err error, try dataprovider.Try) result {
	w.metrics.Failed(w.target.Name, try.Took)
	logFailure(w.log, err).Warn("the hook failed in line, and so does the upload", "event_id", j.EventID)
	return result{id: j.ID, outcome: delivered, try: failedTry(try, err)}
}
