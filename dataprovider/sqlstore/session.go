package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// session is the connection of the writer, with its prepared statements.
type session struct {
	conn    *sql.Conn
	dialect dialect
	stmts   map[string]*sql.Stmt

	// ctx is that of the transaction, never that of a request: what has begun is
	// short, and is not left half done.
	ctx  context.Context
	rest context.CancelFunc
}

func newSession(db *sql.DB, d dialect) (*session, error) {
	s := &session{dialect: d, stmts: map[string]*sql.Stmt{}}
	s.limit()
	conn, err := db.Conn(s.ctx)
	if err != nil {
		s.rest()
		return nil, err
	}
	s.conn = conn
	return s, nil
}

// limit starts the time that a transaction has.
func (s *session) limit() {
	if s.rest != nil {
		s.rest()
	}
	s.ctx, s.rest = context.Background(), func() {}
	if s.dialect.limit > 0 {
		s.ctx, s.rest = context.WithTimeout(s.ctx, s.dialect.limit)
	}
}

func (s *session) begin() error {
	s.limit()
	return s.run(s.dialect.begin...)
}

// run executes statements without parameters.
func (s *session) run(statements ...string) error {
	if s.dialect.together {
		_, err := s.conn.ExecContext(s.ctx, strings.Join(statements, "; "))
		return err
	}
	for _, query := range statements {
		if _, err := s.exec(query); err != nil {
			return err
		}
	}
	return nil
}

// stmt prepares each query once.
func (s *session) stmt(query string) (*sql.Stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(s.ctx, s.dialect.rebind(query))
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
	return st.ExecContext(s.ctx, s.dialect.bind(args)...)
}

// close reports nothing: whatever is wrong with the connection was the reason to
// close it, or does not matter any more.
func (s *session) close() {
	_ = s.run("ROLLBACK") // an error if there is nothing to roll back
	for _, st := range s.stmts {
		_ = st.Close()
	}
	_ = s.conn.Close()
	s.rest()
}

// tx is the view that a request has of the transaction.
type tx struct {
	*session
	ahead *ahead
}

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
	return st.QueryRowContext(t.ctx, t.dialect.bind(args)...).Scan(dest...)
}

// rows calls scan for each row of a query.
func (t *tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return each(scan)(st.QueryContext(t.ctx, t.dialect.bind(args)...))
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
