package session

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Stat follows links. An upload of this session that is still open answers with
// the size received so far, unless the session is shared (Peer): sshfs and WinSCP look
// at the file they write.
func (s *Session) Stat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = s.do("stat", name, func(name string) error {
		info, err = s.stat(ctx, name)
		return err
	})
	return info, err
}

// Peek is Stat for who is about to make something there: if there is nothing, it
// returns nil without an error, and nothing is logged.
func (s *Session) Peek(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = s.do("stat", name, func(name string) error {
		if info, err = s.stat(ctx, name); errors.Is(err, vfs.ErrNotExist) {
			info, err = nil, nil
		}
		return err
	})
	return info, err
}

func (s *Session) stat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	may := func() error {
		if !s.reaches(dataprovider.PermList, name) {
			return refuse("stat", name, vfs.ErrPermission)
		}
		return nil
	}
	if err := may(); err != nil {
		return nil, err
	}
	if info = s.uploading(name); info != nil {
		return info, nil
	}
	err = s.steady(may, func() error {
		info, err = s.fs.Stat(ctx, name)
		return err
	})
	return info, err
}

// Lstat does not follow the last component.
func (s *Session) Lstat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = s.do("lstat", name, func(name string) error {
		may := func() error {
			if !s.allowed(dataprovider.PermList, name) {
				return refuse("lstat", name, vfs.ErrPermission)
			}
			return nil
		}
		if err := may(); err != nil {
			return err
		}
		if info = s.uploading(name); info != nil {
			return nil
		}
		return s.steady(may, func() error {
			info, err = s.lstat(ctx, name)
			return err
		})
	})
	return info, err
}

// uploading is the state of an upload of this session, or nil: there is none, or it
// has just ended.
func (s *Session) uploading(name string) fs.FileInfo {
	t := s.upload(name)
	if t == nil {
		return nil
	}
	info, err := t.Stat()
	if err != nil {
		return nil
	}
	return info
}

// lstat is Lstat without the rules, for storage with and without links.
func (s *Session) lstat(ctx context.Context, name string) (fs.FileInfo, error) {
	if l, ok := vfs.As[vfs.Linker](s.fs); ok {
		return l.Lstat(ctx, name)
	}
	return s.fs.Stat(ctx, name)
}

// List yields the entries of a directory, in no particular order, one page in
// memory at a time. A failure is the last element.
func (s *Session) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		stopped := false
		err := s.do("list", name, func(name string) error {
			may := func() error {
				if !s.allows(dataprovider.PermList, name) {
					return refuse("list", name, vfs.ErrPermission)
				}
				return nil
			}
			if err := may(); err != nil {
				return err
			}
			for info, err := range s.entriesOf(ctx, name, may) {
				if err != nil {
					return err
				}
				if stopped = !yield(info, nil); stopped {
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// entriesOf is List of the storage, whose first step, which opens the directory, is
// steady.
func (s *Session) entriesOf(ctx context.Context, name string, may func() error) iter.Seq2[fs.FileInfo, error] {
	if s.uniform {
		return s.fs.List(ctx, name)
	}
	return func(yield func(fs.FileInfo, error) bool) {
		next, stop := iter.Pull2(s.fs.List(ctx, name))
		defer stop()
		var info fs.FileInfo
		var more bool
		err := s.steady(may, func() (err error) {
			info, err, more = next()
			return err
		})
		for more && yield(info, err) {
			info, err, more = next()
		}
		if !more && err != nil {
			yield(nil, err)
		}
	}
}

// renamed is a FileInfo under the name that the client knows.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string   { return path.Base(r.name) }
func (r renamed) FileID() string { return vfs.FileIDOf(r.FileInfo) }
func (r renamed) Names() int     { return vfs.NamesOf(r.FileInfo) }
