package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// version is a state of the database: between two that are equal nobody, of this
// process or another, has committed anything. The zero version is equal to none.
type version struct {
	conn  int // which of the connections that asked
	value int64
}

// known reports whether v is a state at all.
func (v version) known() bool { return v.conn > 0 }

// versions asks for the version. What the database answers can only be compared with
// other answers on the same connection, so there is one for that.
type versions struct {
	db    *sql.DB
	query string // empty: the database does not tell

	mu     sync.Mutex
	conn   *sql.Conn
	stmt   *sql.Stmt
	opened int // connections, up to now
	closed bool
}

// now returns the version, which is unknown where the database cannot tell. What is
// read after that is of this version or of a later one.
func (s *versions) now(ctx context.Context) (v version) {
	if s.query == "" {
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stmt == nil && s.open(ctx) != nil {
		return v
	}
	// Not the context of the caller: one that could end costs a goroutine each time.
	// It is a look at shared memory.
	if err := s.stmt.QueryRowContext(context.WithoutCancel(ctx)).Scan(&v.value); err != nil {
		s.drop()
		return version{}
	}
	v.conn = s.opened
	return v
}

func (s *versions) open(ctx context.Context) (err error) {
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if s.stmt, err = s.conn.PrepareContext(ctx, s.query); err != nil {
		s.drop()
		return err
	}
	s.opened++
	return nil
}

func (s *versions) drop() {
	if s.stmt != nil {
		_ = s.stmt.Close() // the connection goes, too
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn, s.stmt = nil, nil
}

// close gives the connection back.
func (s *versions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.drop()
}
