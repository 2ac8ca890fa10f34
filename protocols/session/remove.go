package session

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Remove deletes a file or a link; a directory is vfs.ErrIsDir. A pre-delete
// hook may take the deletion over.
func (s *Session) Remove(ctx context.Context, name string) error {
	return s.do("remove", name, func(name string) error {
		info, err := s.mayRemove(ctx, "remove", name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			return refuse("remove", name, vfs.ErrIsDir)
		}
		return s.removeFile(ctx, name)
	})
}

// Rmdir deletes an empty directory.
func (s *Session) Rmdir(ctx context.Context, name string) error {
	return s.do("rmdir", name, func(name string) error {
		info, err := s.mayRemove(ctx, "rmdir", name)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return refuse("rmdir", name, vfs.ErrNotDir)
		}
		return s.removeDir(ctx, name)
	})
}

// RemoveAll deletes a file or a tree. The rules are applied to every object
// before the first one goes; then files go in lexical order, directories from
// the bottom up. The first failure ends it.
func (s *Session) RemoveAll(ctx context.Context, name string) error {
	return s.do("remove", name, func(name string) error {
		if err := s.walk(ctx, name, func(name string, _ fs.FileInfo) error {
			_, err := s.mayRemove(ctx, "remove", name)
			return err
		}); err != nil {
			return err
		}
		return s.walk(ctx, name, func(name string, info fs.FileInfo) error {
			if info.IsDir() {
				return s.removeDir(ctx, name)
			}
			return s.removeFile(ctx, name)
		})
	})
}

// MayRemove tells whether the rules allow Remove, so that what comes before it is not
// done in vain.
func (s *Session) MayRemove(ctx context.Context, name string) error {
	return s.do("remove", name, func(name string) error {
		_, err := s.mayRemove(ctx, "remove", name)
		return err
	})
}

// mayRemove applies the rules and returns what lies at name.
func (s *Session) mayRemove(ctx context.Context, op, name string) (fs.FileInfo, error) {
	if name == "/" || !s.allowed(dataprovider.PermDelete, name) {
		return nil, refuse(op, name, vfs.ErrPermission)
	}
	info, err := s.lstat(ctx, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && !s.fileAllowed(name) {
		return nil, refuse(op, name, vfs.ErrPermission)
	}
	return info, nil
}

// stillMayRemove is what mayRemove asks of where the name leads.
func (s *Session) stillMayRemove(op, name string) error {
	if !s.allowed(dataprovider.PermDelete, name) {
		return refuse(op, name, vfs.ErrPermission)
	}
	return nil
}

func (s *Session) removeDir(ctx context.Context, name string) error {
	// Under the lock of the entry: a file that has taken its place is not a directory,
	// and has to be accounted for.
	var line inLine
	defer s.linger(ctx, &line)
	pg, spots, err := s.lockFiles(ctx, name)
	if err != nil {
		return err
	}
	defer pg.unlock()
	switch info := spots[0].info; {
	case info == nil:
		return spots[0].err
	case !info.IsDir():
		return refuse("rmdir", name, vfs.ErrNotDir)
	}
	var id int64
	e, tell := s.event(ctx, actions.RmdirDone, name), s.m.journal.wanted(actions.RmdirDone, false)
	if tell {
		if id, err = s.m.journal.begin(ctx, &intent{
			Op: intentRemove, Name: name, Root: s.root, FileID: vfs.FileIDOf(spots[0].info), Event: e,
		}); err != nil {
			return err
		}
	}
	may := func() error { return s.stillMayRemove("rmdir", name) }
	if err := s.turn(may, func() error { return s.fs.Remove(ctx, name) }); err != nil {
		s.m.journal.drop(ctx, id)
		return err
	}
	s.removed(ctx, name)
	s.forget(ctx, name)
	s.command("Rmdir", name, "", noChange())
	if !tell {
		return nil
	}
	settle, cancel := detached(ctx)
	defer cancel()
	return s.m.journal.settle(settle, id, &e, "", noAmount, along{line: &line})
}

// removeFile deletes one file that the rules allow to delete.
func (s *Session) removeFile(ctx context.Context, name string) error {
	if s.m.journal.hooks.Wants(actions.DeleteCheck) {
		handled, err := s.askDelete(ctx, name)
		if err != nil || handled {
			return err
		}
	}
	var line inLine
	defer s.linger(ctx, &line)
	pg, spots, err := s.lockFiles(ctx, name)
	if err != nil {
		return err
	}
	defer pg.unlock()
	if spots[0].info == nil { // it may have been replaced meanwhile
		return spots[0].err
	}
	r := removal{name: name, spot: spots[0], line: &line, event: described(ctx, s.event(ctx, actions.DeleteDone, name))}
	return s.unlink(ctx, pg, r, func() error {
		if !s.fileAllowed(name) {
			return refuse("remove", name, vfs.ErrPermission)
		}
		return s.stillMayRemove("remove", name)
	})
}

// removal is one file that is to go.
type removal struct {
	name  string
	spot  spot
	event actions.Event
	quiet bool    // nobody is told
	line  *inLine // who waits for the event; nil: nobody
}

// unlink removes a file and books it. Its place is locked; may asks the rules again.
func (s *Session) unlink(ctx context.Context, pg *pages, r removal, may func() error) error {
	name, place, info := r.name, r.spot.place, r.spot.info
	counted, _ := pg.found(place, info)
	delta := minus(noAmount, counted)
	e := &r.event
	e.Result.Size = info.Size()
	owner, properties := s.owner(), s.drops(ctx, name)

	var id int64
	if count := owner != ""; count || properties != nil || !r.quiet && s.m.journal.wanted(e.Kind, count) {
		var err error
		if id, err = s.m.journal.begin(ctx, &intent{
			Op: intentRemove, Name: name, Root: s.root, FileID: vfs.FileIDOf(info), Delta: delta, Count: count, Event: *e,
			Quiet: r.quiet, Properties: properties,
		}); err != nil {
			return err
		}
	}
	hold := s.steady
	if !info.Mode().IsRegular() {
		hold = s.turn
	}
	if err := hold(may, func() error { return s.fs.Remove(ctx, name) }); err != nil {
		s.m.journal.drop(ctx, id)
		return err
	}
	s.removed(ctx, name)
	amended := pg.replaced(place, e.Object.Path, info)
	pg.book(place, noAmount)
	s.command("Remove", name, "", noChange())
	settle, cancel := detached(ctx)
	defer cancel()
	if r.quiet {
		e = nil
	}
	return s.settle(settle, id, e, delta, nil, along{amended, properties, r.line})
}

// askDelete asks the hooks whether the file may be deleted, and the pre-delete hooks to
// do it. true means that one has. It is not cut short when the client leaves: half a
// deletion would be nobody's.
func (s *Session) askDelete(ctx context.Context, name string) (bool, error) {
	pg, spots, err := s.lockFiles(ctx, name)
	if err != nil {
		return false, err
	}
	place, now := spots[0].place, spots[0].info
	// What is booked for the file while the hook runs is noted on its page.
	kept := s.m.ledger.keep(place)
	defer s.m.ledger.release(place, kept)
	if now != nil {
		counted, _ := pg.found(place, now)
		pg.book(place, counted)
	}
	pg.unlock()
	if now == nil {
		return false, spots[0].err
	}
	e := described(ctx, s.question(ctx, actions.DeleteCheck, name))
	e.Result.Size = now.Size()
	ctx = context.WithoutCancel(ctx)
	verdict, err := s.ask(ctx, "remove", &e)
	if err != nil || verdict.Decision != actions.Handled {
		return false, err
	}
	return true, s.deletedByHook(ctx, place, name, now)
}

// deletedByHook takes the word of the hook for it, but not the quota: what still
// lies there still counts.
func (s *Session) deletedByHook(ctx context.Context, place, name string, info fs.FileInfo) error {
	pg := s.m.ledger.pass(s.top, func() *pages { return s.m.ledger.lock(place) })
	defer pg.unlock()
	now, err := s.lstat(ctx, name)
	if err == nil && vfs.FileIDOf(now) == vfs.FileIDOf(info) {
		s.log.Warn("the pre-delete hook reports a deletion, but the file is still there", "virtual_path", name)
		return nil
	}
	if err != nil {
		if !errors.Is(err, vfs.ErrNotExist) {
			return err
		}
		now = nil
		s.removed(ctx, name)
	}
	var properties []dataprovider.PropertyMove
	if now == nil {
		properties = s.drops(ctx, name)
	}
	before := pg.page(place).counted
	after, open := pg.found(place, now)
	if open != nil { // made again meanwhile, and still being written
		after = noAmount
	}
	pg.book(place, after)
	s.command("Remove", name, "", noChange())
	e := s.event(ctx, actions.DeleteDone, name)
	e.Result.Size, e.Result.ByHook = info.Size(), true
	settle, cancel := detached(ctx)
	defer cancel()
	return s.settle(settle, 0, &e, minus(after, before), nil, along{properties: properties})
}

// walk visits a tree: the files of a directory and what lies below it before the
// directory itself, in lexical order. Links are visited, not followed.
func (s *Session) walk(ctx context.Context, name string, visit func(name string, info fs.FileInfo) error) error {
	info, err := s.lstat(ctx, name)
	if err != nil {
		return err
	}
	s.Touch() // a tree may be large, and its hooks slow
	if info.IsDir() {
		entries, err := s.entries(ctx, name)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			err := s.walk(ctx, path.Join(name, entry), visit)
			if err != nil && !errors.Is(err, vfs.ErrNotExist) { // gone meanwhile is as good
				return err
			}
		}
	}
	return visit(name, info)
}
