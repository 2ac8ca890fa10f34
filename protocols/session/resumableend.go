package session

import (
	"context"
	"errors"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Terminate gives an upload up, if no hook objects. One that is complete is removed
// like any file, by the same rules; one that was replaced or removed since is ErrGone.
// A request that writes it is asked to stop.
func (r *Resumables) Terminate(ctx context.Context, s *Session, id string, req *actions.Request) error {
	return r.giveUp(ctx, s, id, req, (*Resumable).removePublished)
}

// Cancel is Terminate for clients to which an upload is a means only: one that is
// complete is forgotten, and its file stays.
func (r *Resumables) Cancel(ctx context.Context, s *Session, id string, req *actions.Request) error {
	return r.giveUp(ctx, s, id, req, func(u *Resumable, ctx context.Context) error { return r.store.Delete(ctx, u.rec.ID) })
}

func (r *Resumables) giveUp(ctx context.Context, s *Session, id string, req *actions.Request,
	published func(*Resumable, context.Context) error,
) error {
	return s.do("remove", "/", func(string) error {
		u, err := r.take(ctx, s, id, req, func() {})
		if err != nil {
			return err
		}
		defer u.hold.release()
		if u.rec.State == dataprovider.UploadComplete && !u.rec.Partial {
			return published(u, ctx)
		}
		if _, err := u.ask(ctx, actions.DeleteCheck); err != nil {
			return err
		}
		ctx, cancel := detached(ctx)
		defer cancel()
		if err := u.drop(ctx); err != nil {
			return err
		}
		u.tell(ctx, actions.DeleteDone)
		return nil
	})
}

// drop forgets an upload that was not published.
func (u *Resumable) drop(ctx context.Context) error {
	err := u.s.account.quota.giveBack(u.rec.Reserved, func() error { return u.rs.store.Delete(ctx, u.rec.ID) })
	if err != nil {
		return err
	}
	u.removeData(ctx)
	return nil
}

// removePublished removes the file that an upload became.
func (u *Resumable) removePublished(ctx context.Context) error {
	s, name := u.s, u.rec.Data
	info, err := s.mayRemove(ctx, "remove", name)
	switch {
	case errors.Is(err, vfs.ErrNotExist) || err == nil && !u.rs.same(u.rec, info):
		return errors.Join(refuse("upload", u.rec.ID, ErrGone), u.rs.store.Delete(ctx, u.rec.ID))
	case err != nil:
		return err
	}
	if err := s.removeFile(withDescription(ctx, u.describe), name); err != nil {
		return err
	}
	return u.rs.store.Delete(ctx, u.rec.ID)
}

type descriptionKey struct{}

// withDescription has the events of an operation completed.
func withDescription(ctx context.Context, describe func(*actions.Event)) context.Context {
	return context.WithValue(ctx, descriptionKey{}, describe)
}

// described completes an event by what withDescription has said.
func described(ctx context.Context, e actions.Event) actions.Event {
	if describe, ok := ctx.Value(descriptionKey{}).(func(*actions.Event)); ok {
		describe(&e)
	}
	return e
}
