// Package localfs is the storage backend on a directory of this host, which it
// never leaves: everything goes through one os.Root, whatever the names and
// links of a client say.
package localfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"sftpgo/vfs"
)

// FS is a directory of this host, seen from that directory.
type FS struct {
	t       *tree
	closed  atomic.Bool
	release func() error
}

var (
	_ vfs.FS         = (*FS)(nil)
	_ vfs.Linker     = (*FS)(nil)
	_ vfs.AttrSetter = (*FS)(nil)
	_ vfs.Measurer   = (*FS)(nil)
	_ vfs.Locator    = (*FS)(nil)
	_ vfs.Sweeper    = (*FS)(nil)
	_ vfs.Durable    = (*FS)(nil)
)

// New opens the directory of cfg by itself, not shared with anyone, and makes
// it when it is missing. log is as in NewFactory.
func New(ctx context.Context, cfg Config, log *slog.Logger) (*FS, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("local storage: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open local storage: %w", err)
	}
	cfg.Root = filepath.Clean(cfg.Root)
	t, err := openTree(cfg, orDiscard(log))
	if err != nil {
		return nil, err
	}
	return &FS{t: t, release: t.root.Close}, nil
}

// Close gives the directory up. Open files live on.
func (s *FS) Close() error {
	if s.closed.Swap(true) {
		return s.t.fail("close", "/", fs.ErrClosed)
	}
	return s.t.fail("close", "/", s.release())
}

// enter begins every operation on a name.
func (s *FS) enter(ctx context.Context, op, name string) (rel string, err error) {
	if s.closed.Load() {
		return "", s.t.fail(op, name, fs.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return "", s.t.fail(op, name, err)
	}
	if rel, err = relative(name); err != nil {
		return "", s.t.fail(op, name, err)
	}
	return rel, nil
}

// Stat follows links; one that leads outside is vfs.ErrPermission.
func (s *FS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	rel, err := s.enter(ctx, "stat", name)
	if err != nil {
		return nil, err
	}
	found, err := s.t.identify(rel)
	if err == nil && found.Mode().Type() == fs.ModeSymlink {
		if rel, _, err = s.t.follow(rel); err == nil {
			found, err = s.t.identify(rel)
		}
	}
	if err != nil {
		return nil, s.t.fail("stat", name, err)
	}
	found.name = path.Base(name)
	return found, nil
}

// Mkdir makes one directory with the mode 0777 less the umask.
func (s *FS) Mkdir(ctx context.Context, name string) error {
	rel, err := s.enter(ctx, "mkdir", name)
	if err != nil {
		return err
	}
	if err := s.t.root.Mkdir(rel, 0o777); err != nil {
		return s.t.fail("mkdir", name, err)
	}
	if s.t.owner.none() {
		return nil
	}
	d, err := s.t.root.Open(rel + "/.")
	if err != nil {
		s.t.ownerFailed(name, err)
		return nil
	}
	defer d.Close()
	s.t.give(d, name, s.t.owner)
	return nil
}

// Remove deletes a file, a link or an empty directory. A directory that looks
// empty because it holds only uploads in progress is vfs.ErrBusy; staged files
// that a killed process left in it go with it.
func (s *FS) Remove(ctx context.Context, name string) error {
	rel, err := s.enter(ctx, "remove", name)
	if err != nil {
		return err
	}
	if rel == "." {
		return refuse("remove", name, vfs.ErrPermission, "is the root")
	}
	err = s.t.root.Remove(rel)
	if s.t.notEmpty(err) {
		err = s.t.removeDir(ctx, rel, err)
	}
	return s.t.fail("remove", name, err)
}

// removeDir tries again after clearing the abandoned uploads from a directory
// that holds nothing else.
func (t *tree) removeDir(ctx context.Context, rel string, first error) error {
	state, err := t.clear(ctx, rel)
	switch {
	case err != nil:
		return err
	case state == hasFiles:
		return first
	case state == hasUploads:
		return vfs.ErrBusy
	}
	return t.root.Remove(rel)
}

func (t *tree) notEmpty(err error) bool {
	// EEXIST is what some systems answer instead of ENOTEMPTY.
	cause := bare(err)
	return cause == syscall.ENOTEMPTY || cause == syscall.EEXIST
}

// Rename replaces newname if that is a file, in one step.
func (s *FS) Rename(ctx context.Context, oldname, newname string) error {
	oldrel, err := s.enter(ctx, "rename", oldname)
	if err != nil {
		return err
	}
	newrel, err := s.enter(ctx, "rename", newname)
	if err != nil {
		return err
	}
	switch {
	case oldrel == ".":
		return refuse("rename", oldname, vfs.ErrPermission, "is the root")
	case newrel == ".":
		return refuse("rename", newname, vfs.ErrExist, "is the root")
	}
	err = s.t.root.Rename(oldrel, newrel)
	if errors.Is(err, syscall.EINVAL) && vfs.Within(oldname, newname) {
		return refuse("rename", newname, vfs.ErrName, "lies within the directory to be moved")
	}
	return s.t.fail("rename", oldname, err)
}

// Durable says that files can be flushed.
func (s *FS) Durable() bool { return true }

// Root returns the path of the root without links.
func (s *FS) Root() string { return path.Join("/", filepath.ToSlash(s.t.real)) }

// StoragePath returns the absolute path of the host.
func (s *FS) StoragePath(name string) string {
	return filepath.Join(s.t.path, filepath.FromSlash(name))
}
