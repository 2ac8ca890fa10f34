// Package sqlstore keeps records in an SQL database: SQLite, in a file of its own,
// without cgo, or PostgreSQL, which several servers share.
//
// All changes of a process go through one goroutine, which commits together what
// is asked for at the same time (writer); reads run beside it on connections of
// their own. Writers of several processes take turns: the lock of the database
// file, and an advisory lock in PostgreSQL. In front of the database file of a server
// lies a log (ahead), which has what changes nothing but the outbox, and hands out
// deliveries (track) as long as all goes well. A change that was answered survives
// the end of the process at any moment. In SQLite a loss of power at worst undoes
// the last moments.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
)

// Store is a dataprovider.Store in a database.
type Store struct {
	dialect dialect
	now     func() time.Time
	reader  *reader
	writer  *writer
	file    *databaseFile // of SQLite
	ahead   *ahead        // of SQLite, for a server
	node    *node         // of PostgreSQL, for a server
	users   *table[dataprovider.User]
	vacant  atomic.Bool // no properties; only the one server of the database knows

	once   sync.Once
	closed error
}

var (
	_ dataprovider.Store = (*Store)(nil)
	_ dataprovider.Peers = (*Store)(nil)
)

// Close ends what is queued, then closes the database. It may be called again.
func (s *Store) Close() error {
	s.once.Do(func() {
		var errs []error
		s.node.leave()
		if s.writer != nil {
			s.writer.close()
		}
		if s.reader != nil {
			errs = append(errs, s.reader.close())
		}
		if s.writer != nil { // last, for it moves the log into the database
			errs = append(errs, s.writer.db.Close())
		}
		errs = append(errs, s.ahead.close(), s.file.release())
		s.closed = errors.Join(errs...)
	})
	return s.closed
}

// Ping implements dataprovider.Store: it reads, it takes and gives back the lock
// that a change needs, and it looks whether a database file is still the one that
// was opened, for SQLite would not notice.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.reader.row(ctx, "SELECT 1 FROM sequence WHERE name = 'users'", nil, &one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if err := s.writeBeside(ctx, func(*tx) error { return nil }); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if err := s.file.check(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// write runs fn in a transaction, see writer.do, in which the database has all that
// was logged.
func (s *Store) write(ctx context.Context, fn func(*tx) error) error {
	return s.writeAfter(ctx, s.ahead.waiting(), fn)
}

// writeBeside is write for what has nothing to do with what was logged.
func (s *Store) writeBeside(ctx context.Context, fn func(*tx) error) error {
	return s.writeAfter(ctx, 0, fn)
}

// writeAfter is write for what needs of the log what it has up to a number.
func (s *Store) writeAfter(ctx context.Context, upto int64, fn func(*tx) error) error {
	return s.ask(ctx, &request{run: fn, upto: upto})
}

func (s *Store) ask(ctx context.Context, r *request) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return s.writer.do(ctx, r)
}

// Users implements dataprovider.Store.
func (s *Store) Users() dataprovider.Collection[dataprovider.User] { return s.users }

// Usage implements dataprovider.Store.
func (s *Store) Usage() dataprovider.Usage { return usage{s} }

// Outbox implements dataprovider.Store.
func (s *Store) Outbox() dataprovider.Outbox { return outbox{s} }

// Properties implements dataprovider.Store.
func (s *Store) Properties() dataprovider.Properties { return properties{s} }

// Uploads implements dataprovider.Store.
func (s *Store) Uploads() dataprovider.Uploads { return uploads{s} }

// Locks implements dataprovider.Store.
func (s *Store) Locks() dataprovider.Locks { return locks{s} }

// Orphans implements dataprovider.Peers.
func (s *Store) Orphans() <-chan struct{} {
	if s.node == nil {
		return nil
	}
	return s.node.orphans
}

// due is a time of this process by the clock of the database, as the outbox keeps it.
func (s *Store) due(at time.Time) int64 {
	if s.node == nil {
		return at.UnixMicro()
	}
	return at.UnixMicro() + s.node.skew.Load()
}
