package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// reader answers from the last commit, beside the writer.
type reader struct {
	db       *sql.DB
	dialect  dialect
	versions versions
	mu       sync.RWMutex
	stmts    map[string]*sql.Stmt
	numbers  map[string]counted // by query
	closed   bool
}

// counted is what a query for one number has returned.
type counted struct {
	value int64
	as    version // of the database, which had it then
}

func newReader(db *sql.DB, d dialect) *reader {
	return &reader{db: db, dialect: d, stmts: map[string]*sql.Stmt{}, numbers: map[string]counted{}, versions: versions{db: db, query: d.version}}
}

func (r *reader) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.RLock()
	st, ok := r.stmts[query]
	closed := r.closed
	r.mu.RUnlock()
	if closed {
		return nil, errClosed
	}
	if ok {
		return st, nil
	}
	st, err := r.db.PrepareContext(ctx, r.dialect.rebind(query))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, ok := r.stmts[query]; ok || r.closed {
		_ = st.Close() // somebody was quicker
		if r.closed {
			return nil, errClosed
		}
		return other, nil
	}
	r.stmts[query] = st
	return st, nil
}

// row scans the one row of a query, or returns sql.ErrNoRows.
func (r *reader) row(ctx context.Context, query string, args []any, dest ...any) error {
	return r.read(ctx, func(ctx context.Context) error {
		st, err := r.stmt(ctx, query)
		if err != nil {
			return err
		}
		return st.QueryRowContext(ctx, r.dialect.bind(args)...).Scan(dest...)
	})
}

// number returns the one number of a query without arguments, or sql.ErrNoRows. It
// asks only if anything has been committed since. query is one of few.
func (r *reader) number(ctx context.Context, query string) (int64, error) {
	if ctx.Err() != nil {
		return 0, ended(ctx)
	}
	now := r.versions.now(ctx) // before it is read
	if now.known() {
		r.mu.RLock()
		n := r.numbers[query]
		r.mu.RUnlock()
		if n.as == now {
			return n.value, nil
		}
	}
	n := counted{as: now}
	if err := r.row(ctx, query, nil, &n.value); err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.numbers[query] = n
	return n.value, nil
}

// rows calls scan for each row of a query.
func (r *reader) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	return r.read(ctx, func(ctx context.Context) error {
		st, err := r.stmt(ctx, query)
		if err != nil {
			return err
		}
		return each(scan)(st.QueryContext(ctx, r.dialect.bind(args)...))
	})
}

func (r *reader) read(ctx context.Context, query func(context.Context) error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := query(ctx)
	switch {
	case err == nil || errors.Is(err, sql.ErrNoRows):
		return err
	case ctx.Err() != nil:
		return ended(ctx)
	}
	return r.dialect.classify(err)
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.versions.close()
	errs := make([]error, 0, len(r.stmts)+1)
	for _, st := range r.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, r.db.Close())...)
}
