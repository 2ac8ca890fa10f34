package session

import (
	"context"
	"io/fs"

	"sftpgo/vfs"
)

// InitialMode gives a file that this upload makes the permission bits that its
// client asked for with OPEN, without those that the umask of the server takes. It
// is no chmod: a file that was there keeps its mode, and a user who may not change
// modes, or a server that ignores them, gets the default without an error.
func (t *Transfer) InitialMode(ctx context.Context, mode fs.FileMode) error {
	if t.up == nil || t.up.existed {
		return nil
	}
	set, ok := vfs.As[vfs.FileAttrSetter](t.file)
	if !ok {
		return nil
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	a, ok := t.s.initialMode(ctx, t.Name(), info, mode)
	if !ok {
		return nil
	}
	_, err = t.piece(func() (int, error) { return 0, set.SetAttrs(ctx, a) })
	return err
}

// MkdirMode is Mkdir with the permission bits that the client asked for; see
// InitialMode.
func (s *Session) MkdirMode(ctx context.Context, name string, mode fs.FileMode) error {
	if err := s.Mkdir(ctx, name); err != nil {
		return err
	}
	return s.do("mkdir", name, func(name string) error {
		set, ok := vfs.As[vfs.LinkAttrSetter](s.fs)
		if !ok {
			return nil
		}
		info, err := s.lstat(ctx, name)
		if err != nil || !info.IsDir() {
			return err
		}
		a, ok := s.initialMode(ctx, name, info, mode)
		if !ok {
			return nil
		}
		return set.SetLinkAttrs(ctx, name, a)
	})
}

// initialMode returns what to change, if anything, of what was just made as info
// says. The umask shows in that: where it took the right to read, it takes the
// right to execute.
func (s *Session) initialMode(ctx context.Context, name string, info fs.FileInfo, mode fs.FileMode) (vfs.Attrs, bool) {
	made := info.Mode().Perm()
	mode &= made | made>>2&0o111
	a, err := s.mayChange(name, s.behind(ctx, name), info, vfs.Attrs{Mode: &mode})
	return a, err == nil && a.Mode != nil && *a.Mode != made
}
