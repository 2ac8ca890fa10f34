package session

import (
	"context"
	"errors"
	"path"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// refused ends a complete upload whose content a hook has refused: its client must not
// take it for complete, and nobody continues it. Without an answer of the hook the
// upload stays, and the client may ask again.
func (u *Resumable) refused(ctx context.Context, err error) error {
	if !errors.Is(err, actions.ErrDenied) || errors.Is(err, actions.ErrUnanswered) {
		return errors.Join(err, u.saveOpen(ctx))
	}
	u.removeData(ctx)
	if lerr := u.rs.lose(ctx, u.s, u.rec); !errors.Is(lerr, ErrGone) {
		return errors.Join(err, lerr)
	}
	return err
}

// inspectInPlace shows the hooks the content of an upload that is where it stays.
func (u *Resumable) inspectInPlace(ctx context.Context) error {
	s := u.s
	if u.rec.Partial || !s.holds(ctx, u.rec.Name) {
		return nil
	}
	data, err := s.fs.Open(ctx, u.rec.Data, vfs.Read)
	if err != nil {
		return err
	}
	defer data.Close() // only read
	t := &Transfer{s: s, name: u.rec.Name, dir: Upload, start: u.rec.Created, origin: u.origin}
	t.up = &upload{id: u.rec.ID, length: unknownLength, held: true, describe: u.describe}
	t.file = &parked{File: data, t: t, name: u.rec.Data}
	stop := s.awake()
	verdict, err := t.verify(withOrigin(s.ctx, u.origin))
	stop()
	ctx, cancel := detached(ctx) // it may have taken long
	defer cancel()
	if err != nil {
		return u.refusedInPlace(ctx, err)
	}
	if verdict.Decision != actions.Rename && verdict.Decision != actions.Quarantine {
		return nil
	}
	return u.moveInPlace(ctx, t, verdict)
}

// refusedInPlace is refused, and tells that nothing is left.
func (u *Resumable) refusedInPlace(ctx context.Context, err error) error {
	answer := u.refused(ctx, err)
	if errors.Is(err, actions.ErrDenied) && !errors.Is(err, actions.ErrUnanswered) {
		u.size = 0
		u.failed(ctx, err)
	}
	return answer
}

// moveInPlace puts the data where the hook wants them.
func (u *Resumable) moveInPlace(ctx context.Context, t *Transfer, verdict actions.Verdict) error {
	name, err := t.destination(verdict)
	if err == nil {
		err = u.s.makeQuarantine(ctx, path.Dir(name))
	}
	if err == nil {
		if _, serr := u.s.lstat(ctx, name); !errors.Is(serr, vfs.ErrNotExist) {
			err = errors.Join(refuse("upload", name, vfs.ErrExist), serr)
		}
	}
	if err == nil {
		err = u.s.fs.Rename(ctx, u.rec.Data, name)
	}
	switch {
	case verdict.Decision == actions.Quarantine:
		if err != nil {
			u.s.log.Error("content for quarantine was lost", "virtual_path", u.rec.Name, "target", name, "error", err)
		}
		return u.refusedInPlace(ctx, refuse("upload", u.rec.Name, verdict.Denial))
	case err != nil:
		return errors.Join(err, u.saveOpen(ctx))
	}
	u.rec.Name, u.rec.Data, u.rec.FileID = name, name, ""
	return nil
}
