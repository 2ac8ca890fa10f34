package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// maxSpools is how many sessions of one user may be open at a time.
const maxSpools = 1000

// spool is a database in which the events of a session wait for delivery, and the
// parts that work on it. Each process locks one for itself; what a process leaves
// behind, because it was killed or a hook was away, the next one of the same user
// takes over.
type spool struct {
	*server
	path string // empty: in memory, there is nobody to deliver to
	keep bool   // an empty one stays, which makes the next start quicker
}

// spoolStore keeps users in memory, and in the database what must outlive the
// process.
type spoolStore struct {
	dataprovider.Store
	users dataprovider.Store
}

// Users implements dataprovider.Store.
func (s spoolStore) Users() dataprovider.Collection[dataprovider.User] { return s.users.Users() }

// privateDir makes the directory of one user below dir and returns it. Below a
// directory in which all may write, somebody else may have been there first.
func privateDir(dir, username string) (string, error) {
	const shared = 0o733 | fs.ModeSticky // each user makes an own directory, none sees others
	if err := os.Mkdir(dir, 0o711); err == nil {
		if err := os.Chmod(dir, shared); err != nil {
			return "", err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w (make it with mode 1733, or name another with --spool-dir)", err)
	}
	own := filepath.Join(dir, username)
	if err := os.Mkdir(own, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(own)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !isPrivate(info) {
		return "", fmt.Errorf("%s is not a directory that only %s can use", own, username)
	}
	return own, nil
}

// openSpools opens one for this session, the first, and takes over those that
// others have left.
func openSpools(ctx context.Context, dir string, users dataprovider.Store,
	build func(dataprovider.Store) (*server, error), log *slog.Logger,
) (list []*spool, err error) {
	own, err := lockSpool(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeSpools(list)
		}
	}()
	core, err := build(spoolStore{own.store, users})
	if err != nil {
		return nil, errors.Join(err, own.store.Close())
	}
	list = append(list, &spool{server: core, path: own.path, keep: own.first})
	left, err := filepath.Glob(filepath.Join(dir, "events-*.db"))
	if err != nil {
		return list, err
	}
	for _, path := range left {
		if path == own.path || filepath.Base(path) == spoolName(0) && !own.first {
			continue // its owner comes back to it
		}
		store, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Exclusive: true})
		if err != nil {
			log.Debug("spool left alone", "error", err)
			continue
		}
		core, err := build(spoolStore{store, users})
		if err != nil {
			return list, errors.Join(err, store.Close())
		}
		list = append(list, &spool{server: core, path: path})
	}
	for _, s := range list {
		if err := s.recover(ctx); err != nil {
			return list, err
		}
	}
	return list, nil
}

type lockedSpool struct {
	store *sqlstore.Store
	path  string
	first bool
}

func spoolName(i int) string { return fmt.Sprintf("events-%d.db", i) }

// lockSpool opens the first spool that no other process works on.
func lockSpool(ctx context.Context, dir string, log *slog.Logger) (lockedSpool, error) {
	var held error
	for i := range maxSpools {
		path := filepath.Join(dir, spoolName(i))
		store, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Exclusive: true})
		if err == nil {
			return lockedSpool{store, path, i == 0}, nil
		}
		if ctx.Err() != nil {
			return lockedSpool{}, err
		}
		if !errors.Is(err, dataprovider.ErrUnavailable) {
			log.Error("a spool with events cannot be used", "error", err)
		}
		if held == nil {
			held = err
		}
	}
	return lockedSpool{}, held
}

// wait returns when the hooks have taken what they can, or ctx is done.
func (s *spool) wait(ctx context.Context) {
	for ctx.Err() == nil {
		backlog, err := s.store.Outbox().Backlog(ctx)
		if err != nil || !slices.ContainsFunc(backlog, s.deliverable) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// deliverable reports whether a hook is there for what waits.
func (s *spool) deliverable(b dataprovider.Backlog) bool {
	return b.Queued > 0 && slices.ContainsFunc(s.hooks.Targets, func(t outbox.Target) bool { return t.Name == b.Target })
}

// close removes a spool in which nothing is left. Its lock stays behind, see
// sqlstore, and is held while the file goes.
func (s *spool) close(ctx context.Context) error {
	if s.path == "" {
		return s.store.Close()
	}
	left, err := s.waiting(ctx)
	if left > 0 {
		s.log.Warn("events stay in the spool for the next session of this user", "sender", "startsubsys", "events", left)
	}
	if err == nil && left == 0 && !s.keep {
		err = os.Remove(s.path)
	}
	return errors.Join(err, s.store.Close())
}

// waiting counts what must not be lost, dead letters included.
func (s *spool) waiting(ctx context.Context) (n int64, err error) {
	backlog, err := s.store.Outbox().Backlog(ctx)
	if err != nil {
		return 0, err
	}
	for _, b := range backlog {
		n += b.Queued + b.Dead
	}
	for _, err := range s.store.Outbox().Pending(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// closeSpools is for a start that fails.
func closeSpools(list []*spool) {
	for _, s := range list {
		_ = s.store.Close() // the reason of the failure says more
	}
}

// deliver runs the deliveries of all spools until the function that it returns
// has been called, which waits for them up to the grace time.
func deliver(list []*spool) (stop func(ctx context.Context, grace time.Duration)) {
	events, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, s := range list {
		running.Go(func() { s.events.Run(events) })
	}
	return func(ctx context.Context, grace time.Duration) {
		limit, done := context.WithTimeout(ctx, grace)
		defer done()
		for _, s := range list {
			s.wait(limit)
		}
		cancel()
		running.Wait()
	}
}
