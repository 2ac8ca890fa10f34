// Package sqlstore keeps records in an SQL database: SQLite, in a file of its own,
// without cgo.
//
// All changes go through one goroutine, which commits together what is asked for
// at the same time (writer); reads run beside it on connections of their own. A
// change that was answered survives the end of the process at any moment, and a
// loss of power at worst undoes the last moments.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
)

// Config says which database to open, and how.
type Config struct {
	// Path is the database file. Beside it lie its write-ahead log (-wal, -shm)
	// and the lock of the server (.lock).
	Path string
	// Exclusive holds the lock for the life of the store: for the server, of which
	// there is one at a time. The command line works beside it.
	Exclusive bool
	// UpdateMode is that of data_provider: 0 creates and migrates, 1 refuses a
	// store that is not up to date.
	UpdateMode int
	// BusyTimeout is how long to wait for a lock of another process; 0 means 5 s.
	BusyTimeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a dataprovider.Store in a database.
type Store struct {
	path   string
	file   fs.FileInfo // at Open
	now    func() time.Time
	reader *reader
	writer *writer
	lock   *fileLock
	users  *table[dataprovider.User]
	vacant atomic.Bool // no properties; only the one server of the database knows

	once   sync.Once
	closed error
}

var _ dataprovider.Store = (*Store)(nil)

// Open opens the database, and creates or migrates it if cfg says so. One clear
// error tells what is in the way (dataprovider.ErrUnavailable if that may pass),
// and then nothing was changed. The caller closes the store.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", cfg.Path, err)
	}
	return s, nil
}

func open(ctx context.Context, cfg Config) (_ *Store, err error) {
	if cfg.Path == "" {
		return nil, errors.New("no file name")
	}
	if cfg.BusyTimeout == 0 {
		cfg.BusyTimeout = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()

	missing := sqliteCheckFile(path)
	if errors.Is(missing, fs.ErrNotExist) && cfg.UpdateMode != 0 {
		return nil, fmt.Errorf("it does not exist; %s", hint)
	}
	if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return nil, missing
	}
	s := &Store{path: path, now: cfg.Now}
	defer func() {
		if err != nil {
			_ = s.Close() // the reason is err
		}
	}()
	if cfg.Exclusive {
		if s.lock, err = lockFile(path + ".lock"); err != nil {
			return nil, err
		}
	}
	if missing != nil {
		if err := sqliteCreate(path); err != nil {
			return nil, err
		}
	}
	if err := s.connect(ctx, cfg); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil, ended(ctx)
		}
		return nil, sqliteClassify(err)
	}
	return s, nil
}

// connect opens the handles and sees to the version of the schema.
func (s *Store) connect(ctx context.Context, cfg Config) error {
	d := sqliteDialect()
	w, r, err := sqliteOpen(s.path, cfg.BusyTimeout, max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		return err
	}
	s.reader = newReader(r, d)
	if err := s.prepare(ctx, cfg, d, r, w); err != nil {
		return errors.Join(err, w.Close())
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return errors.Join(err, w.Close())
	}
	s.writer = newWriter(w, d)
	s.users = userTable(s)
	return s.lookForProperties(ctx, cfg.Exclusive)
}

// Close ends what is queued, then closes the database. It may be called again.
func (s *Store) Close() error {
	s.once.Do(func() {
		var errs []error
		if s.writer != nil {
			s.writer.close()
		}
		if s.reader != nil {
			errs = append(errs, s.reader.close())
		}
		if s.writer != nil { // last, for it moves the log into the database
			errs = append(errs, s.writer.db.Close())
		}
		errs = append(errs, s.lock.release())
		s.closed = errors.Join(errs...)
	})
	return s.closed
}

// Ping implements dataprovider.Store: it reads, it takes and gives back the lock
// that a change needs, and it looks whether the file is still the one that was
// opened, for SQLite would not notice.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.reader.row(ctx, "SELECT 1 FROM sequence WHERE name = 'users'", nil, &one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if err := s.write(ctx, func(*tx) error { return nil }); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if fi, err := os.Stat(s.path); err != nil || !os.SameFile(fi, s.file) {
		return fmt.Errorf("ping: %w: the database file was removed or replaced", dataprovider.ErrUnavailable)
	}
	return nil
}

// write runs fn in a transaction, see writer.do.
func (s *Store) write(ctx context.Context, fn func(*tx) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return s.writer.do(ctx, fn)
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
