package session

import (
	"context"
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
	var line inLine
	defer s.linger(ctx, &line)
	pg, spots, err := s.lockToMove(ctx, oldname, newname)
	if err != nil {
		return err
	}
	defer pg.unlock()
	from, to := spots[0].place, spots[1].place
	info, target := spots[0].info, spots[1].info
	if err := s.mayRename(ctx, oldname, newname, info, target); err != nil {
		return err
	}
	if err := accept(target); err != nil {
		return refuse("rename", oldname, err)
	}
	if from == to || sameFile(info, target) { // rename(2) does nothing
		return nil
	}
	if info.IsDir() && vfs.Within(oldname, newname) {
		return refuse("rename", oldname, vfs.ErrUnsupported)
	}
	return s.move(ctx, pg, move{oldname, newname, from, to, info, target, &line})
}

// sameFile reports whether both are known to be names of one file. One name in two
// ways of writing, on storage that does not mind the case, is not.
func sameFile(a, b fs.FileInfo) bool {
	return vfs.NamesOf(a) > 1 && vfs.FileIDOf(a) != "" && vfs.FileIDOf(a) == vfs.FileIDOf(b)
}

// lockToMove locks both names and returns what lies there, something at the first.
// If that is a directory, nobody else books anything meanwhile.
func (s *Session) lockToMove(ctx context.Context, oldname, newname string) (*pages, []spot, error) {
	lock := s.m.ledger.lock
	for {
		pg, spots, err := s.lockFilesBy(ctx, lock, []string{oldname, newname})
		if err != nil {
			return nil, nil, err
		}
		switch info := spots[0].info; {
		case info == nil:
			pg.unlock()
			return nil, nil, spots[0].err
		case pg.alone || !info.IsDir():
			return pg, spots, nil
		}
		pg.unlock()
		lock = s.m.ledger.lockAlone
	}
}

// move is a rename that the rules allow: the names, their places and what lies
// there.
type move struct {
	oldname, newname string
	from, to         string
	info, target     fs.FileInfo
	line             *inLine // who waits for the event
}

// move renames in the storage and books it. Who writes a file in place goes on
// under its new name.
func (s *Session) move(ctx context.Context, pg *pages, m move) error {
	moved, open := pg.found(m.from, m.info)
	replaced, _ := pg.found(m.to, m.target)
	written := open
	if open == nil {
		written = s.m.ledger.written(m.info) // under another name
	}
	e := s.event(ctx, actions.RenameDone, m.oldname)
	e.Object.Target, e.Object.TargetPath = m.newname, s.path(m.newname)
	owner := s.owner()
	delta := minus(noAmount, replaced)
	properties, err := s.moves(ctx, m.oldname, m.newname)
	if err != nil {
		return err
	}

	var id int64
	if s.m.journal.wanted(e.Kind, owner != "" && !delta.IsZero()) || properties != nil {
		if id, err = s.m.journal.begin(ctx, &intent{
			Op: intentRename, Name: m.oldname, Target: m.newname, Root: s.root, FileID: vfs.FileIDOf(m.info),
			Delta: delta, Count: owner != "", Event: e, Properties: properties,
		}); err != nil {
			return err
		}
	}
	may := func() error {
		if m.target != nil && !s.allowed(dataprovider.PermOverwrite, m.newname) || !s.mayMove(m.oldname, m.newname, m.info) {
			return refuse("rename", m.oldname, vfs.ErrPermission)
		}
		return nil
	}
	hold := s.turn
	if m.info.Mode().IsRegular() && (m.target == nil || m.target.Mode().IsRegular()) {
		hold = s.steady
	}
	if err := hold(may, func() error { return s.fs.Rename(ctx, m.oldname, m.newname) }); err != nil {
		s.m.journal.drop(ctx, id)
		return err
	}
	settle, cancel := detached(ctx)
	defer cancel()
	s.renamed(settle, m.oldname, m.newname)
	s.m.ledger.moved(e.Object.Path, e.Object.TargetPath, m.info.IsDir(), written)
	amended := pg.replaced(m.to, e.Object.TargetPath, m.target)
	if m.info.IsDir() || written != nil {
		from, to := s.entry(settle, m.oldname), s.entry(settle, m.newname)
		amended = append(amended, s.m.ledger.intentions(from, to, written, false)...)
	}
	if open != nil {
		pg.detach(open)
		pg.attach(m.to, open)
	}
	pg.book(m.from, noAmount)
	pg.book(m.to, moved)
	s.command("Rename", m.oldname, m.newname, noChange())
	return s.settle(settle, id, &e, delta, nil, along{amended, properties, m.line})
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
// the directory itself: an entry of its own rules its contents, not the directory.
func (s *Session) looksInside(oldname, newname string) bool {
	for _, dir := range []string{oldname, newname} {
		if _, own := s.user.Permissions[dir]; own || s.user.PermissionsBelow(dir) {
			return true
		}
	}
	return s.user.HasFileFilters()
}

// mayMove is the rule for one object: the permission rename on both parents, or
// delete here and create there.
func (s *Session) mayMove(oldname, newname string, info fs.FileInfo) bool {
	if info.Mode().IsRegular() && !(s.fileAllowed(oldname) && s.fileAllowed(newname)) {
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
