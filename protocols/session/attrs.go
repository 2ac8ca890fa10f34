package session

import (
	"context"
	"io/fs"
	"path"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// The values of setstat_mode.
const (
	setstatIgnore      = 1 // accept chmod, chown, chtimes and do nothing
	setstatIgnoreCloud = 2 // the same, except on storage that has them
)

// SetAttrs changes all attributes given. On a name that this session is
// uploading it acts on the upload.
func (s *Session) SetAttrs(ctx context.Context, name string, a vfs.Attrs) error {
	return s.do("setstat", name, func(name string) error {
		if t := s.upload(name); t != nil {
			return t.setAttrs(ctx, a)
		}
		info, err := s.fs.Stat(ctx, name)
		if err != nil {
			return err
		}
		asked := a
		if a, err = s.mayChange(name, s.followed(name), info, a); err != nil {
			return err
		}
		may := func() error {
			_, err := s.mayChange(name, s.followed(name), info, asked)
			return err
		}
		if a.Size != nil {
			if err := s.truncate(ctx, name, *a.Size, may); err != nil {
				return err
			}
			a.Size = nil
		}
		if a == (vfs.Attrs{}) {
			return nil
		}
		set, ok := vfs.As[vfs.AttrSetter](s.fs)
		if !ok {
			return refuse("setstat", name, vfs.ErrUnsupported)
		}
		if err := s.steady(may, func() error { return set.SetAttrs(ctx, name, a) }); err != nil {
			return err
		}
		s.recordAttrs(name, a)
		return nil
	})
}

// SetAttrs changes the attributes of the open file, whatever its name leads to by
// now. The size takes an upload.
func (t *Transfer) SetAttrs(ctx context.Context, a vfs.Attrs) error {
	err := t.check()
	if err == nil {
		err = t.setAttrs(ctx, a)
	}
	t.s.failed("setstat", t.Name(), err)
	return err
}

func (t *Transfer) setAttrs(ctx context.Context, a vfs.Attrs) error {
	name := t.Name()
	if t.up == nil && a.Size != nil {
		return refuse("setstat", name, vfs.ErrUnsupported)
	}
	info, err := t.Stat()
	if err != nil {
		return err
	}
	// Setting the size of what one is writing is writing.
	size := a.Size
	a.Size = nil
	if a, err = t.s.mayChange(name, t.s.followed(name), info, a); err != nil {
		return err
	}
	a.Size = size
	if size != nil {
		if err := t.writable(0, *size); err != nil {
			return err
		}
		t.up.touched.Store(true)
		t.undigested()
	}
	if a == (vfs.Attrs{}) {
		return nil
	}
	set, ok := vfs.As[vfs.FileAttrSetter](t.file)
	if !ok {
		return refuse("setstat", name, vfs.ErrUnsupported)
	}
	if _, err := t.piece(func() (int, error) { return 0, set.SetAttrs(ctx, a) }); err != nil {
		return err
	}
	t.s.recordAttrs(name, a)
	return nil
}

// followed is the name that links lead to from name, as far as the rules care.
func (s *Session) followed(name string) string {
	if s.uniform {
		return name
	}
	return s.behind(s.ctx, name)
}

// direct is followed for operations that do not follow a link in the last
// component.
func (s *Session) direct(ctx context.Context, name string) string {
	if s.uniform || name == "/" {
		return name
	}
	dir := s.behind(ctx, path.Dir(name))
	if dir == "" {
		return ""
	}
	return path.Join(dir, path.Base(name))
}

// mayChange applies the rules to name and to real, what links make of it, and takes
// out what setstat_mode says to ignore. Files are looked up on their own path,
// directories on their parent.
func (s *Session) mayChange(name, real string, info fs.FileInfo, a vfs.Attrs) (vfs.Attrs, error) {
	on, parent := name, real
	if info.IsDir() {
		on, real = path.Dir(on), path.Dir(real)
		parent = s.followed(on)
	}
	allowed := func(perm string) bool {
		return s.user.Allows(perm, on) && s.user.Allows(perm, real) && s.user.Allows(perm, parent)
	}
	for _, rule := range []struct {
		asked bool
		perm  string
	}{
		{a.Size != nil, dataprovider.PermOverwrite},
		{a.UID != nil || a.GID != nil, dataprovider.PermChown},
		{a.Mode != nil, dataprovider.PermChmod},
		{a.Atime != nil || a.Mtime != nil, dataprovider.PermChtimes},
	} {
		if rule.asked && !allowed(rule.perm) {
			return a, refuse("setstat", name, vfs.ErrPermission)
		}
	}
	if s.ignoresAttrs() {
		a = vfs.Attrs{Size: a.Size}
	}
	if a.Mode != nil {
		mode := a.Mode.Perm() // no setuid from afar
		a.Mode = &mode
	}
	return a, nil
}

func (s *Session) ignoresAttrs() bool {
	switch s.m.cfg.SetstatMode {
	case setstatIgnore:
		return true
	case setstatIgnoreCloud:
		p := s.user.Filesystem.Provider
		return p != dataprovider.ProviderLocal && p != dataprovider.ProviderCrypt && p != dataprovider.ProviderSFTP
	}
	return false
}

// truncate sets the size of a file by name and books the difference.
func (s *Session) truncate(ctx context.Context, name string, size int64, may func() error) error {
	if size < 0 || !s.contentAllowed(name) {
		return refuse("truncate", name, vfs.ErrPermission)
	}
	set, ok := vfs.As[vfs.AttrSetter](s.fs)
	if !ok {
		return refuse("truncate", name, vfs.ErrUnsupported)
	}
	real := s.behind(ctx, name)
	pg, spots, err := s.lockFiles(ctx, real)
	if err != nil {
		return err
	}
	defer pg.unlock()
	info, err := s.fs.Stat(ctx, real)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return refuse("truncate", name, vfs.ErrIsDir)
	}
	before := amountOf(info)
	_, open := pg.found(spots[0].place, info)
	if open == nil {
		open = s.m.ledger.written(info) // under another name
	}
	r := &room{top: info.Size()}
	if open != nil {
		r = open.room // its writers book what becomes of it
	} else if q := s.account.quota; q.limited() {
		r.quota = q
		if err := q.refresh(ctx); err != nil {
			return err
		}
	}
	if size > info.Size() {
		if limit := s.user.Filters.MaxUploadFileSize; limit > 0 && size > limit {
			return refuse("truncate", name, ErrQuota)
		}
		if err := r.grow(size); err != nil {
			return refuse("truncate", name, err)
		}
	}
	resize := func() error {
		err := s.steady(func() error {
			if err := may(); err != nil {
				return err
			}
			if !s.contentAllowed(name) {
				return refuse("truncate", name, vfs.ErrPermission)
			}
			if s.behind(ctx, name) != s.behind(ctx, real) {
				return refuse("truncate", name, vfs.ErrBusy) // a link that leads elsewhere by now
			}
			return nil
		}, func() error { return set.SetAttrs(ctx, real, vfs.Attrs{Size: &size}) })
		if err == nil {
			c := noChange()
			c.size = size
			s.command("Truncate", name, "", c)
		}
		return err
	}
	if open != nil {
		return resize()
	}
	after := dataprovider.Amount{Files: 1, Bytes: size}
	id, err := s.truncateIntent(ctx, name, info, before)
	if err == nil {
		err = resize()
	}
	if err != nil {
		s.m.journal.drop(ctx, id)
		r.release()
		return err
	}
	if vfs.NamesOf(info) <= 1 {
		pg.book(spots[0].place, after)
	}
	settle, cancel := detached(ctx)
	defer cancel()
	return s.settle(settle, id, nil, minus(after, before), r, along{})
}

// truncateIntent is for usage alone: nobody is told of a truncation.
func (s *Session) truncateIntent(ctx context.Context, name string, info fs.FileInfo, before dataprovider.Amount) (int64, error) {
	if s.owner() == "" {
		return 0, nil
	}
	return s.m.journal.begin(ctx, &intent{
		Op: intentTruncate, Name: s.behind(ctx, name), Root: s.root, FileID: vfs.FileIDOf(info), Before: before, Count: true,
		Event: s.event(ctx, actions.UploadFailed, name),
	})
}

// recordAttrs writes one log record per kind of change.
func (s *Session) recordAttrs(name string, a vfs.Attrs) {
	if a.Size != nil {
		c := noChange()
		c.size = *a.Size
		s.command("Truncate", name, "", c)
	}
	if a.UID != nil || a.GID != nil {
		c := noChange()
		if a.UID != nil {
			c.uid = *a.UID
		}
		if a.GID != nil {
			c.gid = *a.GID
		}
		s.command("Chown", name, "", c)
	}
	if a.Mode != nil {
		c := noChange()
		c.mode = a.Mode.String()
		s.command("Chmod", name, "", c)
	}
	if a.Atime != nil || a.Mtime != nil {
		c := noChange()
		if a.Atime != nil {
			c.atime = *a.Atime
		}
		if a.Mtime != nil {
			c.mtime = *a.Mtime
		}
		s.command("Chtimes", name, "", c)
	}
}
