package infofile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

// leases are kept in memory, and each is backed by a lock on a file of its name: that
// keeps other processes out, and ends with the process that has it, so that the
// uploads of one that was killed can be continued at once. Against another process a
// lease does not run out, then: who is stopped by a debugger still has the file open.
type leases struct {
	dir string
	now func() time.Time

	mu   sync.Mutex
	byID map[string]*lease // by file name
}

type lease struct {
	holder  string
	expires time.Time
	wanted  bool
	file    *os.File // locked
}

// waitMark ends the name of the file that tells of a waiter in another process.
const waitMark = ".wanted"

var errHeld = errors.New("another process has it")

// Hold implements dataprovider.Uploads.
func (s *Store) Hold(ctx context.Context, id, holder string, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("hold upload: %w", err)
	}
	name, ok := fileName(id)
	if !ok {
		return fmt.Errorf("hold upload: %w", dataprovider.ErrNotFound)
	}
	if err := s.leases.hold(name, holder, ttl); err != nil {
		return fmt.Errorf("hold upload %s: %w", id, err)
	}
	return nil
}

func (l *leases) hold(name, holder string, ttl time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	held := l.byID[name]
	switch {
	case held == nil:
		f, err := l.lock(name)
		if err != nil {
			return err
		}
		l.byID[name] = &lease{holder: holder, expires: now.Add(ttl), file: f}
	case held.holder == holder:
		held.expires = now.Add(ttl)
	case now.Before(held.expires):
		held.wanted = true
		return dataprovider.ErrConflict
	default:
		held.holder, held.expires, held.wanted = holder, now.Add(ttl), false
	}
	return nil
}

// lock locks the file of a lease. A process that has just removed it may hold the
// lock of a file that has no name any more: such a one does not count.
func (l *leases) lock(name string) (*os.File, error) {
	path := filepath.Join(l.dir, name)
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
		}
		if err := tryLock(f); err != nil {
			_ = f.Close() // nothing was written
			if !errors.Is(err, errHeld) {
				return nil, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
			}
			if err := os.WriteFile(path+waitMark, nil, 0o600); err != nil {
				return nil, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
			}
			return nil, dataprovider.ErrConflict
		}
		mine, err := f.Stat()
		if there, statErr := os.Stat(path); err == nil && statErr == nil && os.SameFile(mine, there) {
			_ = os.Remove(path + waitMark) // mostly not there
			return f, nil
		}
		_ = f.Close() // nothing was written
	}
}

// Renew implements dataprovider.Uploads.
func (s *Store) Renew(ctx context.Context, id, holder string, ttl time.Duration) (bool, error) {
	if err := s.Hold(ctx, id, holder, ttl); err != nil {
		return false, err
	}
	name, _ := fileName(id) // Hold took it
	return s.leases.wanted(name), nil
}

func (l *leases) wanted(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.byID[name]
	if held == nil {
		return false
	}
	if !held.wanted {
		_, err := os.Stat(filepath.Join(l.dir, name+waitMark))
		held.wanted = err == nil
	}
	return held.wanted
}

// Release implements dataprovider.Uploads.
func (s *Store) Release(_ context.Context, id, holder string) error {
	name, ok := fileName(id)
	if !ok {
		return nil
	}
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if held := s.leases.byID[name]; held != nil && held.holder == holder {
		s.leases.end(name)
	}
	return nil
}

// drop ends a lease, whoever has it.
func (l *leases) drop(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(name)
}

// end wants the lock. The files go while the lock is held: see lock. Where the
// system does not remove what is open they stay, which does no harm.
func (l *leases) end(name string) {
	held := l.byID[name]
	if held == nil {
		return
	}
	delete(l.byID, name)
	path := filepath.Join(l.dir, name)
	_ = os.Remove(path + waitMark)
	_ = os.Remove(path)
	_ = held.file.Close() // nothing was written
}

func (l *leases) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.byID {
		l.end(name)
	}
	return nil
}
