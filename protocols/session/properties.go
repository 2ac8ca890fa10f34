package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// The room for the dead properties of WebDAV. Windows Explorer leaves about 400
// bytes with each file.
const (
	maxProperties      = 256
	maxPropertyBytes   = 64 << 10  // of one file or directory
	maxPropertiesBytes = 128 << 20 // of one user
)

// PropertyPatch is what a client changes of the properties of a file or directory.
type PropertyPatch struct {
	Changes []dataprovider.PropertyChange
	// Modified is the time of modification to set; zero for none. It is left as it
	// is where permissions, configuration or storage stand in the way.
	Modified time.Time
}

// PatchProperties applies all changes in their order, or none. They belong to the
// entry at name, for all users who see it. It takes the permission overwrite for a
// file, which the file filters must allow; for a directory one of upload, overwrite
// and create_dirs in it. Without room for them it is ErrQuota.
func (s *Session) PatchProperties(ctx context.Context, name string, p PropertyPatch) error {
	return s.do("proppatch", name, func(name string) error {
		info, err := s.fs.Stat(ctx, name)
		if err != nil {
			return err
		}
		if !s.mayDescribe(name, info) {
			return refuse("proppatch", name, vfs.ErrPermission)
		}
		pg, spots, err := s.lockFiles(ctx, name) // it is not moved meanwhile
		if err != nil {
			return err
		}
		defer pg.unlock()
		if spots[0].info == nil {
			return spots[0].err
		}
		undo, err := s.setModified(ctx, name, info, p.Modified)
		if err != nil {
			return err
		}
		if err := s.patchProperties(ctx, name, p.Changes); err != nil {
			undo()
			return err
		}
		s.command("Proppatch", name, "", noChange())
		return nil
	})
}

func (s *Session) patchProperties(ctx context.Context, name string, changes []dataprovider.PropertyChange) error {
	if len(changes) == 0 {
		return nil
	}
	err := s.m.store.Properties().Patch(ctx, dataprovider.PropertyPatch{
		Path: s.realEntry(ctx, name), Owner: s.user.Username, Root: s.root, Changes: changes,
		Limits: dataprovider.PropertyLimits{Count: maxProperties, Bytes: maxPropertyBytes, Owner: maxPropertiesBytes},
	})
	if errors.Is(err, dataprovider.ErrLimit) {
		return fmt.Errorf("%w: %w", ErrQuota, err)
	}
	return err
}

// mayDescribe is the rule of PatchProperties.
func (s *Session) mayDescribe(name string, info fs.FileInfo) bool {
	if !info.IsDir() {
		return s.reaches(dataprovider.PermOverwrite, name) && s.contentAllowed(name)
	}
	return s.allows(dataprovider.PermUpload, name) || s.allows(dataprovider.PermOverwrite, name) ||
		s.allows(dataprovider.PermCreateDirs, name)
}

// setModified sets the time if it may, and returns how to take that back.
func (s *Session) setModified(ctx context.Context, name string, info fs.FileInfo, at time.Time) (undo func(), err error) {
	undo = func() {}
	set, ok := vfs.As[vfs.AttrSetter](s.fs)
	if at.IsZero() || !ok {
		return undo, nil
	}
	a, err := s.mayChange(name, s.followed(name), info, vfs.Attrs{Mtime: &at})
	if err != nil || a.Mtime == nil {
		return undo, nil
	}
	switch err := set.SetAttrs(ctx, name, a); {
	case errors.Is(err, vfs.ErrUnsupported), errors.Is(err, vfs.ErrPermission):
		return undo, nil
	case err != nil:
		return undo, err
	}
	s.recordAttrs(name, a)
	before := info.ModTime()
	return func() { _ = set.SetAttrs(ctx, name, vfs.Attrs{Mtime: &before}) }, nil // of an operation that fails already
}

// Properties returns the dead properties of the entry at name; see Stat for who may
// see them.
func (s *Session) Properties(ctx context.Context, name string) (list []dataprovider.Property, err error) {
	if s.m.store.Properties().Vacant() {
		return nil, nil
	}
	err = s.do("propfind", name, func(name string) error {
		if !s.reaches(dataprovider.PermList, name) {
			return refuse("propfind", name, vfs.ErrPermission)
		}
		list, err = s.m.store.Properties().Get(ctx, s.realEntry(ctx, name))
		return err
	})
	return list, err
}

// Members reads the dead properties of what is in a directory.
type Members struct {
	s   *Session
	dir string // real path
}

// MaxMembers is how many names Members takes at a time.
const MaxMembers = dataprovider.MaxMembers

// Members returns nil if nothing in the directory name has dead properties; see List
// for who may see them.
func (s *Session) Members(ctx context.Context, name string) (m *Members, err error) {
	p := s.m.store.Properties()
	if p.Vacant() {
		return nil, nil
	}
	err = s.do("propfind", name, func(name string) error {
		if !s.allows(dataprovider.PermList, name) {
			return refuse("propfind", name, vfs.ErrPermission)
		}
		dir := s.RealPath(ctx, name)
		some, err := p.AnyMember(ctx, dir)
		if some {
			m = &Members{s, dir}
		}
		return err
	})
	return m, err
}

// Properties returns the properties of up to MaxMembers names, by name.
func (m *Members) Properties(ctx context.Context, names []string) (map[string][]dataprovider.Property, error) {
	return m.s.m.store.Properties().Members(ctx, m.dir, names)
}

// MkdirLike makes the directory name with the dead properties of the directory like
// and nothing in it: a WebDAV COPY of depth 0.
func (s *Session) MkdirLike(ctx context.Context, like, name string) error {
	return s.mkdirLike(ctx, like, name, s.Mkdir)
}

func (s *Session) mkdirLike(ctx context.Context, like, name string, mkdir func(context.Context, string) error) error {
	moves, err := s.copies(ctx, like, name)
	if err == nil {
		err = mkdir(ctx, name)
	}
	if err != nil || moves == nil {
		return err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	return s.m.store.Properties().Apply(ctx, moves...)
}

// copies tells what a copy does to properties, or ErrQuota if there is no room.
func (s *Session) copies(ctx context.Context, from, to string) ([]dataprovider.PropertyMove, error) {
	p := s.m.store.Properties()
	if p.Vacant() {
		return nil, nil
	}
	from, err := parse("copy", from)
	if err != nil {
		return nil, nil // what copies says so
	}
	if to, err = parse("copy to", to); err != nil {
		return nil, nil
	}
	m := dataprovider.PropertyMove{
		Op: dataprovider.PropertiesCopied, Path: s.realEntry(ctx, from), To: s.realEntry(ctx, to),
		Owner: s.user.Username, Root: s.root,
	}
	list, err := p.Get(ctx, m.Path)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		// What it replaces may have some.
		if some, err := p.Any(ctx, m.To); err != nil || !some {
			return nil, err
		}
		return []dataprovider.PropertyMove{m}, nil
	}
	total, err := p.Total(ctx, m.Owner)
	if err != nil {
		return nil, err
	}
	if total.Bytes+dataprovider.PropertyBytes(m.To, list) > maxPropertiesBytes {
		return nil, refuse("copy to", to, ErrQuota)
	}
	return []dataprovider.PropertyMove{m}, nil
}

// moves tells what a rename does to properties.
func (s *Session) moves(ctx context.Context, oldname, newname string) ([]dataprovider.PropertyMove, error) {
	p := s.m.store.Properties()
	if p.Vacant() {
		return nil, nil
	}
	m := dataprovider.PropertyMove{
		Op: dataprovider.PropertiesMoved, Path: s.realEntry(ctx, oldname), To: s.realEntry(ctx, newname),
	}
	for _, at := range []string{m.Path, m.To} {
		if some, err := p.Any(ctx, at); some || err != nil {
			return []dataprovider.PropertyMove{m}, err
		}
	}
	return nil, nil
}

// drops tells what the end of an entry does to properties. A store that does not
// answer is no reason to keep the entry: what stays behind does no harm.
func (s *Session) drops(ctx context.Context, name string) []dataprovider.PropertyMove {
	p := s.m.store.Properties()
	if p.Vacant() {
		return nil
	}
	m := dataprovider.PropertyMove{Op: dataprovider.PropertiesDropped, Path: s.realEntry(ctx, name)}
	if some, err := p.Any(ctx, m.Path); err == nil && !some {
		return nil
	}
	return []dataprovider.PropertyMove{m}
}

// forget drops the properties of what is not there, or not any more: a new entry
// must not have those of one that went unnoticed.
func (s *Session) forget(ctx context.Context, name string) {
	moves := s.drops(ctx, name)
	if moves == nil {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.m.store.Properties().Apply(ctx, moves...); err != nil {
		s.log.Warn("old properties stay", "virtual_path", name, "error", err)
	}
}

// copied is what publishing a copy does to properties. The directory that it goes
// to may have been moved meanwhile.
func (t *Transfer) copied(ctx context.Context) []dataprovider.PropertyMove {
	list := slices.Clone(t.up.properties)
	for i := range list {
		list[i].To = t.s.realEntry(ctx, t.written(ctx))
	}
	return list
}
