package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
)

// maxBatch bounds how long the first of a batch waits for the last; a dialect may
// have less.
const maxBatch = 128

// errClosed is the answer of a store after Close.
var errClosed = fmt.Errorf("%w: closed", dataprovider.ErrUnavailable)

// writer is the one goroutine that changes the database. What is asked for at the
// same time shares a transaction: the commit is what costs, and there is one for
// all of them.
type writer struct {
	db      *sql.DB
	dialect dialect
	queue   chan *request
	quit    chan struct{} // closed by close
	stopped chan struct{} // closed by run
	once    sync.Once
	session *session   // of run; nil when there is none
	ahead   *ahead     // nil: there is none
	aside   []*request // need more of the log than one transaction brings in
}

// request is one closure that waits for its turn.
type request struct {
	run   func(*tx) error
	upto  int64  // number in the log; what it has up to there must be in the database before
	then  func() // nil: nothing. It runs when all is committed and run had no error, before anything else does
	state atomic.Int32
	done  chan error // buffered
}

// allLogged is for who needs what is logged until its transaction begins: what was
// settled in the database since it asked may come behind some of it.
const allLogged = math.MaxInt64

// The states of a request. Exactly one side moves it away from waiting.
const (
	waiting int32 = iota
	started
	abandoned
)

func newWriter(db *sql.DB, d dialect) *writer {
	w := &writer{
		db: db, dialect: d,
		queue: make(chan *request, 2*maxBatch),
		quit:  make(chan struct{}), stopped: make(chan struct{}),
	}
	go w.run()
	return w
}

// close lets what is queued end, and waits for that.
func (w *writer) close() {
	w.once.Do(func() { close(w.quit) })
	<-w.stopped
}

// do runs a request in a transaction and returns when that is committed. An error of
// it undoes what it did, and nothing else. When ctx ends before its turn, it is not
// run; once it runs, do waits for the outcome, so that no caller is left in doubt.
func (w *writer) do(ctx context.Context, r *request) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	r.done = make(chan error, 1)
	select {
	case <-w.quit:
		return errClosed
	default:
	}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ended(ctx)
	case <-w.quit:
		return errClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, abandoned) {
			return ended(ctx)
		}
	case <-w.stopped:
	}
	select {
	case err := <-r.done:
		return err
	case <-w.stopped:
		select { // answered in the last batch
		case err := <-r.done:
			return err
		default:
			return errClosed
		}
	}
}

// aheadPause is how long what was logged waits at least, and at most twice that, if
// nobody needs it in the database.
const aheadPause = 750 * time.Millisecond

func (w *writer) run() {
	defer close(w.stopped)
	defer w.drop()
	batch := make([]*request, 0, maxBatch)
	pause := time.NewTimer(aheadPause)
	pause.Stop()
	var old int64 // what was logged up to here has waited long enough after the pause
	resting := true
	for {
		select {
		case r := <-w.queue:
			w.serve(append(batch[:0], r))
		case <-w.ahead.nudged():
			if w.ahead.crowded() {
				w.bring(w.ahead.waiting())
			}
			if resting {
				resting, old = false, w.ahead.waiting()
				pause.Reset(aheadPause)
			}
		case <-pause.C:
			w.bring(old)
			if old = w.ahead.waiting(); old != 0 {
				pause.Reset(aheadPause)
			}
			resting = old == 0
		case <-w.quit:
			pause.Stop()
			w.finish(batch)
			return
		}
	}
}

// finish does what is queued, and leaves nothing in the log.
func (w *writer) finish(batch []*request) {
	for {
		select {
		case r := <-w.queue:
			w.serve(append(batch[:0], r))
			continue
		default:
		}
		break
	}
	w.bring(w.ahead.waiting())
	if ids := w.ahead.unused(); ids.end > 0 {
		r := &request{run: func(t *tx) error { return t.returnIDs(ids) }, done: make(chan error, 1)}
		w.commit([]*request{r}, 0) // else they are not used
	}
}

// serve commits a request, and what came in meanwhile.
func (w *writer) serve(batch []*request) {
	if batch = w.admit(batch[:0], batch[0]); len(batch) > 0 {
		w.commit(batch, 0)
	}
	w.serveAside()
}

// commit runs the batch, and what came in until the lock was had, in one
// transaction, and answers all. Before, it brings in what was logged up to a number,
// or what the batch needs.
func (w *writer) commit(batch []*request, upto int64) {
	runtime.Gosched() // on a busy machine, those who are about to ask do so now
	err := w.begin()
	batch = w.fill(batch)
	var results []error
	var brought portion
	var ids idRange
	if err == nil {
		brought, ids, err = w.prepare(max(upto, need(batch)))
	}
	if err == nil {
		if results, err = w.runAll(batch, brought.ops > 0 || ids.end > 0); err == nil {
			err = w.end()
		} else if errors.Is(err, errUndone) {
			err = nil
		}
	}
	w.ahead.applied(brought, err == nil)
	if err == nil {
		w.ahead.grant(ids)
	} else {
		err = w.dialect.classify(err)
		w.drop()
	}
	for i, r := range batch {
		switch {
		case r == nil:
		case err != nil:
			r.done <- err
		case results[i] == nil && r.then != nil:
			r.then()
			r.done <- nil
		default:
			r.done <- results[i]
		}
	}
}

// need returns up to where a batch needs the log in the database.
func need(batch []*request) (upto int64) {
	for _, r := range batch {
		if r != nil {
			upto = max(upto, r.upto)
		}
	}
	return upto
}

// prepare does what comes before the requests of a transaction.
func (w *writer) prepare(upto int64) (brought portion, ids idRange, err error) {
	t := &tx{w.session, w.ahead}
	if w.ahead.scarce() {
		if ids, err = t.reserveIDs(); err != nil {
			return brought, ids, err
		}
	}
	brought, err = w.bringIn(t, upto)
	return brought, ids, err
}

// fill takes what is queued, as far as it fits, and leaves nil for what was
// abandoned.
func (w *writer) fill(batch []*request) []*request {
	for len(batch) < w.dialect.batch {
		select {
		case r := <-w.queue:
			batch = w.admit(batch, r)
			continue
		default:
		}
		break
	}
	for i, r := range batch {
		if !r.state.CompareAndSwap(waiting, started) {
			batch[i] = nil
		}
	}
	return batch
}

// begin starts a transaction, on a new connection if the one of the last has gone.
func (w *writer) begin() error {
	if w.session != nil {
		err := w.session.begin()
		if err == nil || w.dialect.lost == nil || !w.dialect.lost(err) {
			return err
		}
		w.drop()
	}
	s, err := newSession(w.db, w.dialect)
	if err != nil {
		return err
	}
	w.session = s
	return s.begin()
}

func (w *writer) end() error {
	if err := w.session.run("COMMIT"); err != nil {
		return err
	}
	w.session.rest()
	return nil
}

// runAll returns the result of each request. The error says that the transaction
// as a whole is lost. more says that it has done something already.
func (w *writer) runAll(batch []*request, more bool) ([]error, error) {
	results := make([]error, len(batch))
	t := &tx{w.session, w.ahead}
	alone := len(batch) == 1 && !more
	begun := false
	for i, r := range batch {
		if r == nil {
			continue
		}
		mark := []string{"RELEASE SAVEPOINT request", "SAVEPOINT request"}
		if !begun {
			begun, mark = true, mark[1:]
		}
		if !alone {
			if err := t.run(mark...); err != nil {
				return nil, err
			}
		}
		results[i] = r.run(t)
		if results[i] == nil {
			continue
		}
		results[i] = w.dialect.classify(results[i])
		undo := "ROLLBACK TO SAVEPOINT request"
		if alone {
			undo = "ROLLBACK"
		}
		if err := t.run(undo); err != nil {
			// A full disk and the like end the transaction by themselves; the
			// reason is the first error, not that the savepoint is gone.
			return nil, results[i]
		}
		if alone {
			w.session.rest()
			return results, errUndone
		}
	}
	return results, nil
}

// errUndone: the one request of a batch has failed, and nothing is to be committed.
var errUndone = errors.New("undone")

// drop ends the session with whatever is left of its transaction.
func (w *writer) drop() {
	if w.session == nil {
		return
	}
	w.session.close()
	w.session = nil
}

// defaultTimeout bounds a call whose context has no deadline.
const defaultTimeout = 10 * time.Second

var errTimeout = fmt.Errorf("%w: no answer within %v", dataprovider.ErrUnavailable, defaultTimeout)

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, defaultTimeout, errTimeout)
}

// ended says why ctx is done: ErrUnavailable if the limit was ours.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errTimeout) {
		return cause
	}
	return ctx.Err()
}
