package session

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Rename moves a file, link or directory. An existing file at newname is
// replaced, atomically where the storage can, if the user may overwrite.
func (s *Session) Rename(ctx context.Context, oldname, newname string) error {
	return s.renameOp(ctx, oldname, newname, func(fs.FileInfo) error { return nil })
}

// RenameNew is Rename that fails with vfs.ErrExist when newname exists: plain
// SSH_FXP_RENAME, MOVE with Overwrite F.
func (s *Session) RenameNew(ctx context.Context, oldname, newname string) error {
	return s.renameOp(ctx, oldname, newname, func(target fs.FileInfo) error {
		if target != nil {
			return vfs.ErrExist
		}
		return nil
	})
}

// MayRename tells whether the rules allow Rename if nothing is at newname, so that
// what is there is not removed in vain.
func (s *Session) MayRename(ctx context.Context, oldname, newname string) error {
	return s.do("rename", oldname, func(oldname string) error {
		newname, err := parse("rename to", newname)
		if err != nil {
			return err
		}
		info, err := s.lstat(ctx, oldname)
		if err != nil {
			return err
		}
		return s.mayRename(ctx, oldname, newname, info, nil)
	})
}

func (s *Session) renameOp(ctx context.Context, oldname, newname string, accept func(fs.FileInfo) error) error {
	return s.do("rename", oldname, func(oldname string) error {
		newname, err := parse("rename to", newname)
		if err != nil {
			return err
		}
		return s.rename(ctx, oldname, newname, accept)
	})
}

func (s *Session) rename(ctx context.Context, oldname, newname string, accept func(fs.FileInfo) error) error {
	if oldname == "/" || newname == "/" {
		return refuse("rename", oldname, vfs.ErrPermission)
	}
	pg := s.lock(oldname, newname)
	defer pg.unlock()
	info, err := s.lstat(ctx, oldname)
	if err != nil {
		return err
	}
	target, err := s.lstat(ctx, newname)
	if err != nil && !errors.Is(err, vfs.ErrNotExist) {
		return err
	}
	if err := s.mayRename(ctx, oldname, newname, info, target); err != nil {
		return err
	}
	if err := accept(target); err != nil {
		return refuse("rename", oldname, err)
	}
	if oldname == newname {
		return nil
	}
	if info.IsDir() && vfs.Within(oldname, newname) {
		return refuse("rename", oldname, vfs.ErrUnsupported)
	}
	return s.move(ctx, pg, oldname, newname, info, target)
}

// move renames in the storage and books it.
func (s *Session) move(ctx context.Context, pg *pages, oldname, newname string, info, target fs.FileInfo) error {
	from, to := s.path(oldname), s.path(newname)
	replaced := pg.before(to, amountOf(target))
	moved := pg.before(from, amountOf(info))
	e := s.event(actions.RenameDone, oldname)
	e.Object.Target, e.Object.TargetPath = newname, to
	owner := s.owner()
	delta := minus(noAmount, replaced)

	var id int64
	var err error
	if s.m.journal.wanted(e.Kind, owner != "" && !delta.IsZero()) {
		if id, err = s.m.journal.begin(ctx, intent{
			Op: intentRename, Name: oldname, Target: newname, FileID: vfs.FileIDOf(info),
			Delta: delta, Count: owner != "", Event: e,
		}); err != nil {
			return err
		}
	}
	if err := s.fs.Rename(ctx, oldname, newname); err != nil {
		s.m.journal.drop(ctx, id)
		return err
	}
	pg.book(from, noAmount)
	pg.book(to, moved)
	s.command("Rename", oldname, newname, noChange())
	settle, cancel := detached(ctx)
	defer cancel()
	return s.m.journal.settle(settle, id, e, owner, delta)
}

// mayRename applies the rules to both names and, for a directory, to all that
// moves with it.
func (s *Session) mayRename(ctx context.Context, oldname, newname string, info, target fs.FileInfo) error {
	if target != nil {
		if target.IsDir() {
			return refuse("rename to", newname, vfs.ErrExist)
		}
		if !s.allowed(dataprovider.PermOverwrite, newname) {
			return refuse("rename to", newname, vfs.ErrPermission)
		}
	}
	if !s.mayMove(oldname, newname, info) {
		return refuse("rename", oldname, vfs.ErrPermission)
	}
	if !info.IsDir() || !s.looksInside(oldname, newname) {
		return nil
	}
	return s.walk(ctx, oldname, func(name string, info fs.FileInfo) error {
		if !s.mayMove(name, path.Join(newname, strings.TrimPrefix(name, oldname)), info) {
			return refuse("rename", name, vfs.ErrPermission)
		}
		return nil
	})
}

// looksInside reports whether what a directory holds may be ruled otherwise than
// the directory itself.
func (s *Session) looksInside(oldname, newname string) bool {
	f := s.user.Filters
	return s.user.PermissionsBelow(oldname) || s.user.PermissionsBelow(newname) ||
		len(f.FileExtensions) > 0 || len(f.FilePatterns) > 0
}

// mayMove is the rule for one object: the permission rename on both parents, or
// delete here and create there.
func (s *Session) mayMove(oldname, newname string, info fs.FileInfo) bool {
	if info.Mode().IsRegular() && !(s.user.FileAllowed(oldname) && s.user.FileAllowed(newname)) {
		return false
	}
	if s.allowed(dataprovider.PermRename, oldname) && s.allowed(dataprovider.PermRename, newname) {
		return true
	}
	create := dataprovider.PermUpload
	switch {
	case info.IsDir():
		create = dataprovider.PermCreateDirs
	case info.Mode()&fs.ModeSymlink != 0:
		create = dataprovider.PermCreateSymlinks
	}
	return s.allowed(dataprovider.PermDelete, oldname) && s.allowed(create, newname)
}
