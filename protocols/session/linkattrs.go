package session

import (
	"context"

	"sftpgo/vfs"
)

// SetLinkAttrs is SetAttrs that does not follow a link in the last component
// (lsetstat@openssh.com). The rules are looked up on the path of the link itself.
// A size is vfs.ErrUnsupported, as in OpenSSH, and so is the mode of a link.
func (s *Session) SetLinkAttrs(ctx context.Context, name string, a vfs.Attrs) error {
	return s.do("setstat", name, func(name string) error {
		if a.Size != nil {
			return refuse("setstat", name, vfs.ErrUnsupported)
		}
		if t := s.upload(name); t != nil && !t.up.link {
			return t.setAttrs(ctx, a)
		}
		info, err := s.lstat(ctx, name)
		if err != nil {
			return err
		}
		asked := a
		if a, err = s.mayChange(name, s.direct(ctx, name), info, a); err != nil {
			return err
		}
		if a == (vfs.Attrs{}) {
			return nil
		}
		set, ok := vfs.As[vfs.LinkAttrSetter](s.fs)
		if !ok {
			return refuse("setstat", name, vfs.ErrUnsupported)
		}
		may := func() error {
			_, err := s.mayChange(name, s.direct(ctx, name), info, asked)
			return err
		}
		if err := s.steady(may, func() error { return set.SetLinkAttrs(ctx, name, a) }); err != nil {
			return err
		}
		s.recordAttrs(name, a)
		return nil
	})
}
