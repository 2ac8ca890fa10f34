package session

import (
	"context"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Link gives the regular file at oldname, which is not a link, a second name.
// There must be nothing at newname (vfs.ErrExist).
//
// The file appears in another directory without a copy, so it takes what reading
// it takes: list and download where it is; and what making it takes: upload and
// create_symlinks where it goes. The file filters apply to both names. And since
// whoever changes the one name changes the other, the directory of newname must
// not allow anything with files that the one of oldname does not.
//
// A file counts once for the quota, as it does for the usage scan and for the
// disk, however many names it has.
func (s *Session) Link(ctx context.Context, oldname, newname string) error {
	return s.do("link", oldname, func(oldname string) error {
		newname, err := parse("link to", newname)
		if err != nil {
			return err
		}
		l, ok := vfs.As[vfs.HardLinker](s.fs)
		if !ok {
			return refuse("link", newname, vfs.ErrUnsupported)
		}
		if !s.mayLink(oldname, newname) {
			return refuse("link", newname, vfs.ErrPermission)
		}
		if err := s.link(ctx, l, oldname, newname); err != nil {
			return err
		}
		s.command("Link", oldname, newname, noChange())
		return nil
	})
}

func (s *Session) link(ctx context.Context, l vfs.HardLinker, oldname, newname string) error {
	pg, spots, err := s.lockFiles(ctx, oldname, newname)
	if err != nil {
		return err
	}
	defer pg.unlock()
	switch info := spots[0].info; {
	case info == nil:
		return spots[0].err
	case info.IsDir():
		return refuse("link", oldname, vfs.ErrIsDir)
	case info.Mode().Type() != 0:
		return refuse("link", oldname, vfs.ErrUnsupported)
	case spots[1].info != nil:
		return refuse("link", newname, vfs.ErrExist)
	}
	s.forget(ctx, newname)
	may := func() error {
		if !s.mayLink(oldname, newname) {
			return refuse("link", newname, vfs.ErrPermission)
		}
		return nil
	}
	if err := s.steady(may, func() error { return l.Link(ctx, oldname, newname) }); err != nil {
		return err
	}
	// From now on neither name takes the file away when it goes.
	pg.book(spots[0].place, noAmount)
	pg.book(spots[1].place, noAmount)
	return nil
}

// mayLink applies the rules of Link.
func (s *Session) mayLink(oldname, newname string) bool {
	if newname == "/" || !s.fileAllowed(oldname) || !s.fileAllowed(newname) {
		return false
	}
	for _, perm := range []string{dataprovider.PermList, dataprovider.PermDownload} {
		if !s.allowed(perm, oldname) {
			return false
		}
	}
	for _, perm := range []string{dataprovider.PermUpload, dataprovider.PermCreateSymlinks} {
		if !s.allowed(perm, newname) {
			return false
		}
	}
	for _, perm := range []string{
		dataprovider.PermOverwrite, dataprovider.PermDelete, dataprovider.PermRename,
		dataprovider.PermChmod, dataprovider.PermChown, dataprovider.PermChtimes,
	} {
		if s.allowed(perm, newname) && !s.allowed(perm, oldname) {
			return false
		}
	}
	return true
}
