package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
)

// maxBatch bounds how long the first of a batch waits for the last.
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
	session *session // of run; nil when there is none
}

// request is one closure that waits for its turn.
type request struct {
	run   func(*tx) error
	state atomic.Int32
	done  chan error // buffered
}

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

// do runs fn in a transaction and returns when that is committed. An error of fn
// undoes what it did, and nothing else. When ctx ends before its turn, fn is not
// run; once it runs, do waits for the outcome, so that no caller is left in doubt.
func (w *writer) do(ctx context.Context, fn func(*tx) error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	r := &request{run: fn, done: make(chan error, 1)}
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

func (w *writer) run() {
	defer close(w.stopped)
	defer w.drop()
	batch := make([]*request, 0, maxBatch)
	for {
		select {
		case r := <-w.queue:
			w.commit(append(batch[:0], r))
		case <-w.quit:
			for {
				select {
				case r := <-w.queue:
					w.commit(append(batch[:0], r))
				default:
					return
				}
			}
		}
	}
}

// commit runs the batch, and what came in until the lock was had, in one
// transaction, and answers all.
func (w *writer) commit(batch []*request) {
	runtime.Gosched() // on a busy machine, those who are about to ask do so now
	err := w.begin()
	batch = w.fill(batch)
	var results []error
	if err == nil {
		if results, err = w.runAll(batch); err == nil {
			err = w.end()
		}
	}
	if err != nil {
		err = w.dialect.classify(err)
		w.drop()
	}
	for i, r := range batch {
		switch {
		case r == nil:
		case err != nil:
			r.done <- err
		default:
			r.done <- results[i]
		}
	}
}

// fill takes what is queued, as far as it fits, and leaves nil for what was
// abandoned.
func (w *writer) fill(batch []*request) []*request {
	for len(batch) < maxBatch {
		select {
		case r := <-w.queue:
			batch = append(batch, r)
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

func (w *writer) begin() error {
	if w.session == nil {
		conn, err := w.db.Conn(context.Background())
		if err != nil {
			return err
		}
		w.session = &session{conn: conn, dialect: w.dialect, stmts: map[string]*sql.Stmt{}}
	}
	_, err := w.session.exec(w.dialect.begin)
	return err
}

func (w *writer) end() error {
	_, err := w.session.exec("COMMIT")
	return err
}

// runAll returns the result of each request. The error says that the transaction
// as a whole is lost.
func (w *writer) runAll(batch []*request) ([]error, error) {
	results := make([]error, len(batch))
	t := &tx{w.session}
	for i, r := range batch {
		if r == nil {
			continue
		}
		if _, err := t.exec("SAVEPOINT request"); err != nil {
			return nil, err
		}
		results[i] = r.run(t)
		if results[i] != nil {
			results[i] = w.dialect.classify(results[i])
			if _, err := t.exec("ROLLBACK TO SAVEPOINT request"); err != nil {
				// A full disk and the like end the transaction by themselves; the
				// reason is the first error, not that the savepoint is gone.
				return nil, results[i]
			}
		}
		if _, err := t.exec("RELEASE SAVEPOINT request"); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// drop ends the session with whatever is left of its transaction.
func (w *writer) drop() {
	if w.session == nil {
		return
	}
	w.session.close()
	w.session = nil
}

// session is a connection with its prepared statements.
type session struct {
	conn    *sql.Conn
	dialect dialect
	stmts   map[string]*sql.Stmt
}

// stmt prepares each query once. The context is the background one throughout:
// what has begun is short, and is not left half done.
func (s *session) stmt(query string) (*sql.Stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(context.Background(), s.dialect.rebind(query))
	if err != nil {
		return nil, err
	}
	s.stmts[query] = st
	return st, nil
}

func (s *session) exec(query string, args ...any) (sql.Result, error) {
	st, err := s.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// close reports nothing: whatever is wrong with the connection was the reason to
// close it, or does not matter any more.
func (s *session) close() {
	_, _ = s.exec("ROLLBACK") // an error if there is nothing to roll back
	for _, st := range s.stmts {
		_ = st.Close()
	}
	_ = s.conn.Close()
}

// tx is the view that a request has of the transaction.
type tx struct{ *session }

// changed runs a statement and tells whether it changed any row.
func (t *tx) changed(query string, args ...any) (bool, error) {
	r, err := t.exec(query, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// row scans the one row of a query, or returns sql.ErrNoRows.
func (t *tx) row(query string, args []any, dest ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(context.Background(), args...).Scan(dest...)
}

// rows calls scan for each row of a query.
func (t *tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return each(scan)(st.QueryContext(context.Background(), args...))
}

func each(scan func(*sql.Rows) error) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		for rows.Next() && err == nil {
			err = scan(rows)
		}
		return errors.Join(err, rows.Err(), rows.Close())
	}
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
