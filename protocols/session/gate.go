package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// ask asks the hooks about what is about to happen. Its error is the refusal.
func (s *Session) ask(ctx context.Context, op string, e *actions.Event) (actions.Verdict, error) {
	if !s.m.journal.hooks.Asks(e) {
		return actions.Verdict{}, nil
	}
	verdict, err := s.m.journal.hooks.Ask(ctx, e)
	if err != nil {
		return actions.Verdict{}, refuse(op, e.Object.Name, err)
	}
	return verdict, nil
}

// question starts the record of what hooks are asked about name.
func (s *Session) question(ctx context.Context, kind actions.Kind, name string) actions.Event {
	e := s.event(ctx, kind, name)
	s.lookBehind(ctx, &e)
	return e
}

// lookBehind notes where links lead: a hook that is asked about a directory is asked
// about it by whatever way.
func (s *Session) lookBehind(ctx context.Context, e *actions.Event) {
	name := e.Object.Name
	real := s.behind(ctx, name)
	if e.Kind == actions.DeleteCheck { // of a link, not of what it leads to
		real = path.Join(s.behind(ctx, path.Dir(name)), path.Base(name))
	}
	if real != name {
		e.Object.Behind = real
	}
}

// checkUpload asks whether an upload may begin. An upload that would fail for want of
// its directory is not asked about.
func (s *Session) checkUpload(ctx context.Context, name string, up *upload, mode vfs.Mode) (actions.Verdict, error) {
	if !up.existed {
		if _, err := s.fs.Stat(ctx, path.Dir(name)); err != nil {
			return actions.Verdict{}, err
		}
	}
	e := s.question(ctx, actions.UploadCheck, name)
	e.Result.Size = up.old
	e.Transfer = up.details(e.Time)
	e.Transfer.OpenFlags, e.Transfer.Resumed = openFlags(mode), up.existed && !mode.Has(vfs.Truncate)
	return s.ask(ctx, "upload", &e)
}

// openFlags are those of os.OpenFile for mode.
func openFlags(mode vfs.Mode) int {
	flags := os.O_RDONLY
	switch {
	case mode.Has(vfs.Read | vfs.Write):
		flags = os.O_RDWR
	case mode.Has(vfs.Write):
		flags = os.O_WRONLY
	}
	for _, f := range []struct {
		mode vfs.Mode
		flag int
	}{{vfs.Create, os.O_CREATE}, {vfs.Truncate, os.O_TRUNC}, {vfs.Excl, os.O_EXCL}} {
		if mode.Has(f.mode) {
			flags |= f.flag
		}
	}
	return flags
}

// checkDownload asks whether a file may be read.
func (s *Session) checkDownload(ctx context.Context, name string) error {
	if !s.m.journal.hooks.Wants(actions.DownloadCheck) {
		return nil
	}
	info, err := s.fs.Stat(ctx, name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return refuse("download", name, vfs.ErrIsDir)
	}
	return s.checkReading(ctx, name, info)
}

func (s *Session) checkReading(ctx context.Context, name string, info fs.FileInfo) error {
	e := s.question(ctx, actions.DownloadCheck, name)
	e.Result.Size = info.Size()
	_, err := s.ask(ctx, "download", &e)
	return err
}

// redirected is where a hook wants an upload: a name in the tree of the user, which
// the hook gives relative to the directory of the file.
func redirected(dir, to string) (string, error) {
	name, err := vfs.ParseName(dir, to)
	if err != nil {
		// It is no name that the client has sent.
		return "", fmt.Errorf("a hook wants the upload at %q: %w", to, errors.New(err.Error()))
	}
	return name, nil
}

// passGates asks the hooks about an upload that rules and quota allow. Then it applies
// those again: to where the hooks want it, and to what has come there meanwhile.
func (s *Session) passGates(ctx context.Context, name string, up *upload, mode vfs.Mode) (string, *upload, error) {
	if s.m.journal.hooks.Wants(actions.UploadCheck) {
		verdict, err := s.checkUpload(ctx, name, up, mode)
		up.room.release()
		if err == nil && verdict.Decision == actions.Rename {
			name, err = redirected(path.Dir(name), verdict.Name)
		}
		if err != nil {
			return "", nil, err
		}
		id, length := up.id, up.length
		if up, err = s.mayUpload(ctx, name, mode); err != nil {
			return "", nil, err
		}
		up.id, up.length = id, length
		if err := up.reserveFile(ctx, s.account.quota, &s.user); err != nil {
			return "", nil, refuse("upload", name, err)
		}
	}
	if up.read && up.existed && s.m.journal.hooks.Wants(actions.DownloadCheck) {
		up.read = s.checkDownload(ctx, name) == nil
	}
	up.held = s.holds(ctx, name)
	return name, up, nil
}
