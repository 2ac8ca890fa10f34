package session

import (
	"context"
	"path"
	"strings"
	"unicode/utf8"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Symlink makes newname a link to target. The text is kept as the client gave
// it; an absolute one means the user's root. Following a link never leaves the
// root.
func (s *Session) Symlink(ctx context.Context, target, newname string) error {
	return s.do("symlink", newname, func(newname string) error {
		if !s.allowed(dataprovider.PermCreateSymlinks, newname) {
			return refuse("symlink", newname, vfs.ErrPermission)
		}
		if target == "" || len(target) > vfs.MaxName || strings.IndexByte(target, 0) >= 0 || !utf8.ValidString(target) {
			return refuse("symlink", newname, vfs.ErrName)
		}
		if _, err := s.linkTarget(newname, target); err != nil {
			return refuse("symlink", newname, vfs.ErrPermission)
		}
		l, ok := vfs.As[vfs.Linker](s.fs)
		if !ok {
			return refuse("symlink", newname, vfs.ErrUnsupported)
		}
		may := func() error {
			if !s.allowed(dataprovider.PermCreateSymlinks, newname) {
				return refuse("symlink", newname, vfs.ErrPermission)
			}
			return nil
		}
		if err := s.turn(may, func() error { return l.Symlink(ctx, target, newname) }); err != nil {
			return err
		}
		s.forget(ctx, newname)
		s.command("Symlink", newname, "", noChange())
		return nil
	})
}

// linkTarget is the virtual name that a link text means, or an error when it
// leaves the root.
func (s *Session) linkTarget(link, text string) (string, error) {
	return vfs.ParseName(path.Dir(link), text)
}

// Readlink returns the text of a link. A text that leads out of the root is not
// shown.
func (s *Session) Readlink(ctx context.Context, name string) (text string, err error) {
	err = s.do("readlink", name, func(name string) error {
		if !s.allowed(dataprovider.PermList, name) {
			return refuse("readlink", name, vfs.ErrPermission)
		}
		l, ok := vfs.As[vfs.Linker](s.fs)
		if !ok {
			return refuse("readlink", name, vfs.ErrUnsupported)
		}
		if text, err = l.Readlink(ctx, name); err != nil {
			return err
		}
		target, err := s.linkTarget(name, text)
		if err != nil || !s.allowed(dataprovider.PermList, target) {
			text = ""
			return refuse("readlink", name, vfs.ErrPermission)
		}
		return nil
	})
	return text, err
}
