package localfs

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"sftpgo/vfs"
)

// SetAttrs changes attributes by name, following links, in the order size,
// owner, mode, times.
func (s *FS) SetAttrs(ctx context.Context, name string, a vfs.Attrs) error {
	rel, err := s.enter(ctx, "setattrs", name)
	if err != nil {
		return err
	}
	at, found, err := s.t.follow(rel)
	if err == nil && found == nil {
		err = fs.ErrNotExist
	}
	if err == nil && !found.IsDir() {
		err = regular(found)
	}
	if err == nil && a.Size != nil {
		err = s.t.truncate(at, *a.Size)
	}
	if err == nil && changesOwner(a) {
		err = s.t.root.Chown(at, idOf(a.UID), idOf(a.GID))
	}
	if err == nil && a.Mode != nil {
		err = s.t.root.Chmod(at, a.Mode.Perm())
	}
	if err == nil && changesTimes(a) {
		err = s.t.root.Chtimes(at, timeOf(a.Atime), timeOf(a.Mtime))
	}
	return s.t.fail("setattrs", name, err)
}

// truncate sets the size of a file that may turn out to be something else.
func (t *tree) truncate(rel string, size int64) error {
	f, err := t.root.OpenFile(rel, os.O_WRONLY|openNonblock, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if err := regular(fi); err != nil {
		return err
	}
	return resize(f, size)
}

// errSize: a file cannot be that small.
var errSize = fmt.Errorf("negative size: %w", vfs.ErrUnsupported)

func resize(f *os.File, size int64) error {
	if size < 0 {
		return errSize
	}
	return f.Truncate(size)
}

// SetAttrs changes attributes of the open file, staged or not, in the same
// order; the size only of one opened with vfs.Write. The context of Open does
// not matter.
func (f *File) SetAttrs(ctx context.Context, a vfs.Attrs) error {
	if err := ctx.Err(); err != nil {
		return f.fail("setattrs", err)
	}
	var err error
	if a.Size != nil {
		if err := f.allowed("setattrs", vfs.Write); err != nil {
			return err
		}
		err = resize(f.f, *a.Size)
	}
	if err == nil && changesOwner(a) {
		err = f.f.Chown(idOf(a.UID), idOf(a.GID))
	}
	if err == nil && a.Mode != nil {
		err = f.f.Chmod(a.Mode.Perm())
	}
	if err == nil && changesTimes(a) {
		err = f.setTimes(timeOf(a.Atime), timeOf(a.Mtime))
	}
	return f.fail("setattrs", err)
}

func changesOwner(a vfs.Attrs) bool { return idOf(a.UID) >= 0 || idOf(a.GID) >= 0 }

func changesTimes(a vfs.Attrs) bool { return a.Atime != nil || a.Mtime != nil }

// idOf returns -1, which leaves it alone, for nil.
func idOf(id *int) int {
	if id == nil {
		return -1
	}
	return *id
}

// timeOf returns the zero time, which leaves it alone, for nil.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
