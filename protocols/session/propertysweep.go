package session

import (
	"context"
	"errors"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// sweepProperties drops the dead properties of what has gone from the storage of a
// user without the server: while it did not run, or by a program.
func (m *Manager) sweepProperties(ctx context.Context, u *dataprovider.User, f vfs.FS) {
	log := m.log.With("sender", "recovery", "username", u.Username)
	if m.store.Properties().Vacant() {
		return
	}
	n, err := m.forgetGone(ctx, u, f)
	if err != nil && ctx.Err() == nil {
		log.Warn("sweep of old properties failed", "error", err)
	}
	if n > 0 {
		log.Info("removed properties of files that have gone", "files", n)
	}
}

// forgetGone looks only at properties that were set through the storage that is
// there now: of a disk that is not mounted, nothing has gone.
func (m *Manager) forgetGone(ctx context.Context, u *dataprovider.User, f vfs.FS) (n int, err error) {
	root, err := f.Stat(ctx, "/")
	if err != nil {
		return 0, err
	}
	id := vfs.FileIDOf(root)
	spec, err := specOf(u, toInspect)
	if err != nil || id == "" {
		return 0, err
	}
	s := &Session{m: m, user: *u, fs: f, home: homeOf(spec.Kind, f)}
	start := time.Now()
	for at, err := range m.store.Properties().Below(ctx, s.home, id) {
		if err != nil {
			return n, err
		}
		name, _ := s.VirtualName(at)
		if _, err := s.lstat(ctx, name); !errors.Is(err, vfs.ErrNotExist) && !errors.Is(err, vfs.ErrNotDir) {
			continue
		}
		if err := m.store.Properties().Forget(ctx, at, start); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
