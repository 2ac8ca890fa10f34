//go:build unix

package localfs

import (
	"context"
	"io/fs"
	"os"
	"syscall"

	"sftpgo/vfs"
)

var _ vfs.HardLinker = (*FS)(nil)

// Link gives a regular file one more name. Other systems count no names, so that
// a quota could not be kept there.
func (s *FS) Link(ctx context.Context, oldname, newname string) error {
	oldrel, err := s.enter(ctx, "link", oldname)
	if err != nil {
		return err
	}
	newrel, err := s.enter(ctx, "link", newname)
	if err != nil {
		return err
	}
	found, err := s.t.root.Lstat(oldrel)
	switch {
	case err != nil:
		return s.t.fail("link", oldname, err)
	case found.IsDir():
		return refuse("link", oldname, vfs.ErrIsDir, "")
	case !found.Mode().IsRegular():
		return refuse("link", oldname, vfs.ErrUnsupported, "not a regular file")
	case newrel == ".":
		return refuse("link", newname, vfs.ErrExist, "is the root")
	}
	if err = s.t.root.Link(oldrel, newrel); err == nil {
		return s.checkLinked(oldname, newrel, found)
	}
	// EPERM is what vfat says; as root, and for files of one's own, nothing else
	// does. See protected_hardlinks in proc_sys_fs(5).
	if cause := bare(err); cause == syscall.EPERM || cause == syscall.EXDEV {
		return refuse("link", newname, vfs.ErrUnsupported, cause.Error())
	}
	return s.t.fail("link", newname, err)
}

// checkLinked takes a name away again that was given to something else, which
// took the old name after it was looked at.
func (s *FS) checkLinked(oldname, newrel string, found fs.FileInfo) error {
	now, err := s.t.root.Lstat(newrel)
	if err == nil && !os.SameFile(found, now) {
		_ = s.t.root.Remove(newrel)
		return s.t.fail("link", oldname, vfs.ErrBusy)
	}
	return nil
}
