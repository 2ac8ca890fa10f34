package session

import (
	"context"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Mkdir makes one directory.
func (s *Session) Mkdir(ctx context.Context, name string) error {
	return s.do("mkdir", name, func(name string) error {
		if name == "/" {
			return refuse("mkdir", name, vfs.ErrExist)
		}
		may := func() error {
			if !s.allowed(dataprovider.PermCreateDirs, name) {
				return refuse("mkdir", name, vfs.ErrPermission)
			}
			return nil
		}
		if err := may(); err != nil {
			return err
		}
		if err := s.makeDir(ctx, name, may); err != nil {
			return err
		}
		s.command("Mkdir", name, "", noChange())
		return nil
	})
}

// makeDir makes a directory that the rules allow to make; may asks them again.
func (s *Session) makeDir(ctx context.Context, name string, may func() error) error {
	if !s.m.journal.hooks.Wants(actions.MkdirDone) {
		return s.makeDirHere(ctx, name, may)
	}
	// Under the lock of the entry, so that who makes and who removes a directory are
	// told of in that order.
	var line inLine
	defer s.linger(ctx, &line)
	pg, spots, err := s.lockFiles(ctx, name)
	if err != nil {
		return err
	}
	defer pg.unlock()
	e := s.event(ctx, actions.MkdirDone, name)
	var id int64
	if spots[0].info == nil { // else it fails
		if id, err = s.m.journal.begin(ctx, &intent{Op: intentMkdir, Name: name, Root: s.root, Event: e}); err != nil {
			return err
		}
	}
	if err := s.makeDirHere(ctx, name, may); err != nil {
		s.m.journal.drop(ctx, id)
		return err
	}
	settle, cancel := detached(ctx)
	defer cancel()
	return s.m.journal.settle(settle, id, &e, "", noAmount, along{line: &line})
}

func (s *Session) makeDirHere(ctx context.Context, name string, may func() error) error {
	if err := s.turn(may, func() error { return s.fs.Mkdir(ctx, name) }); err != nil {
		return err
	}
	s.forget(ctx, name)
	return nil
}
