package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// walHeader is the length of the header of SQLite's WAL index.
const walHeader = 48

// version is a state of the database: between two that are equal nobody, of this
// process or another, has committed anything. The zero version is unknown.
type version struct {
	told  teller
	state [walHeader]byte
}

func (v version) known() bool { return v.told != nobody }

// teller is who told a version: the index, or one of the connections, the first of
// which is 1.
type teller int

const (
	nobody  teller = 0
	byIndex teller = -1
)

// versions finds out the version.
type versions struct {
	db    *sql.DB
	query string // for a number of one connection, see dialect; empty: none
	path  string // of the WAL index, if there is one that may be read; else empty

	index atomic.Pointer[walIndex] // nil: it is not read

	mu     sync.Mutex
	tried  bool // to read the index
	conn   *sql.Conn
	stmt   *sql.Stmt
	opened teller // the last connection
	closed bool
}

// now returns the version. What is read after that is of this version or of a later
// one.
func (s *versions) now(ctx context.Context) version {
	if x := s.index.Load(); x != nil {
		if h, ok := x.header(); ok {
			return version{byIndex, h}
		}
		return version{}
	}
	if s.query == "" {
		return version{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stmt == nil && s.open(ctx) != nil {
		return version{}
	}
	// Not the context of the caller: one that could end costs a goroutine each time.
	// It is a look at shared memory.
	var n uint64
	if err := s.stmt.QueryRowContext(context.WithoutCancel(ctx)).Scan(&n); err != nil {
		s.drop()
		return version{}
	}
	v := version{told: s.opened}
	binary.NativeEndian.PutUint64(v.state[:], n)
	if s.path != "" && !s.tried {
		s.tried = true
		s.openIndex(ctx)
	}
	return v
}

// open makes a connection to ask on: numbers can only be compared with others of the
// same.
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

// openIndex reads the index from now on, if it is in use and can be read.
func (s *versions) openIndex(ctx context.Context) {
	var mode string
	if err := s.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		return
	}
	x, err := openWALIndex(s.path)
	if err != nil {
		return
	}
	if _, ok := x.header(); ok {
		s.index.Store(x)
		s.drop()
	}
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

// close gives the connection back. From now on the version is unknown.
func (s *versions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.index.Store(nil)
	s.drop()
}
