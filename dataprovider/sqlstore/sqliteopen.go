package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"sftpgo/dataprovider"
)

// Config says which SQLite database to open, and how.
type Config struct {
	// Path is the database file. Beside it lie its write-ahead log (-wal, -shm),
	// the lock of the server (.lock) and its log of events (.events).
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

// Open opens an SQLite database, and creates or migrates it if cfg says so. One clear
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
	s := &Store{dialect: sqliteDialect(), now: cfg.Now, file: &databaseFile{path: path}}
	defer func() {
		if err != nil {
			_ = s.Close() // the reason is err
		}
	}()
	if cfg.Exclusive {
		if s.file.lock, err = lockFile(path + ".lock"); err != nil {
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
	w, r, err := sqliteOpen(s.file.path, cfg.BusyTimeout, max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		return err
	}
	s.reader = newReader(r, s.dialect)
	if cfg.Exclusive {
		s.reader.versions.path = s.file.path + "-shm"
		// Only the server does so: its store is the one that must not be built on
		// sand, and it starts rarely.
		if err := sqliteQuickCheck(ctx, r, s.file.path); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	if err := s.dialect.prepare(ctx, r, w, cfg.UpdateMode, s.file.migrating); err != nil {
		return errors.Join(err, w.Close())
	}
	if s.file.info, err = os.Stat(s.file.path); err != nil {
		return errors.Join(err, w.Close())
	}
	s.writer = newWriter(w, s.dialect)
	if cfg.Exclusive {
		if err := s.write(ctx, s.readAhead); err != nil {
			return err
		}
	}
	s.users = userTable(s)
	return s.lookForProperties(ctx, cfg.Exclusive)
}

// databaseFile is the file of an SQLite database. Its methods are safe on nil.
type databaseFile struct {
	path string
	info fs.FileInfo // at Open
	lock *fileLock   // of the server; nil for others
}

// beside reports whether this process may work beside a server, as commands do.
func (f *databaseFile) beside() bool { return f != nil && f.lock == nil }

// migrating takes the lock without which nobody migrates; nil, if stop says that
// it is not needed any more.
func (f *databaseFile) migrating(ctx context.Context, stop func() (bool, error)) (unlock func() error, err error) {
	if f.lock != nil {
		return func() error { return nil }, nil
	}
	l, err := waitLock(ctx, f.path+".lock", stop)
	if l == nil {
		return nil, err
	}
	return l.release, nil
}

func (f *databaseFile) check() error {
	if f == nil {
		return nil
	}
	if fi, err := os.Stat(f.path); err != nil || !os.SameFile(fi, f.info) {
		return fmt.Errorf("%w: the database file was removed or replaced", dataprovider.ErrUnavailable)
	}
	return nil
}

func (f *databaseFile) release() error {
	if f == nil {
		return nil
	}
	return f.lock.release()
}
