package localfs

import (
	"context"
	"io/fs"

	"sftpgo/vfs"
)

var _ vfs.LinkAttrSetter = (*FS)(nil)

// SetLinkAttrs changes attributes by name and does not follow a link in the last
// component. Links have no mode of their own.
func (s *FS) SetLinkAttrs(ctx context.Context, name string, a vfs.Attrs) error {
	rel, err := s.enter(ctx, "setattrs", name)
	if err != nil {
		return err
	}
	found, err := s.t.root.Lstat(rel)
	if err != nil {
		return s.t.fail("setattrs", name, err)
	}
	link := found.Mode().Type() == fs.ModeSymlink
	switch {
	case a.Size != nil:
		return refuse("setattrs", name, vfs.ErrUnsupported, "size without following links")
	case link && a.Mode != nil:
		return refuse("setattrs", name, vfs.ErrUnsupported, "links have no mode")
	case link && changesTimes(a) && !linksHaveTimes:
		return refuse("setattrs", name, vfs.ErrUnsupported, "times of a link")
	case !link && !found.IsDir():
		err = regular(found)
	}
	if err == nil && changesOwner(a) {
		err = s.t.root.Lchown(rel, idOf(a.UID), idOf(a.GID))
	}
	if err == nil && a.Mode != nil {
		err = s.t.root.Chmod(rel, a.Mode.Perm())
	}
	if err == nil && changesTimes(a) {
		err = s.t.setLinkTimes(rel, timeOf(a.Atime), timeOf(a.Mtime))
	}
	return s.t.fail("setattrs", name, err)
}
