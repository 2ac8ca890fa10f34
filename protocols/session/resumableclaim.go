package session

import (
	"context"
	"errors"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// What clients say of uploads whose end is not where their length is: those of the IETF
// (draft-ietf-httpbis-resumable-upload, section 4.1.2) are complete when the client
// says so.

// More tells that this request does not complete the upload, not even if it brings the
// last byte of its length. It holds for later requests, until one calls Last or Finish.
func (u *Resumable) More(ctx context.Context) error { return u.withhold(ctx, true) }

// Last tells that the upload is complete once it has as many bytes as it is long, which
// is what holds for uploads unless More was called.
func (u *Resumable) Last(ctx context.Context) error { return u.withhold(ctx, false) }

func (u *Resumable) withhold(ctx context.Context, withheld bool) error {
	if u.rec.Withheld == withheld || u.rec.State == dataprovider.UploadComplete {
		return nil
	}
	u.rec.Withheld = withheld
	if !u.stored {
		return nil
	}
	return u.rs.store.Save(ctx, u.rec)
}

// Finish tells that what has come is all of it: End completes the upload, which gets its
// length if it had none. With another length it is ErrIncomplete.
func (u *Resumable) Finish(ctx context.Context) error {
	switch {
	case u.rec.State == dataprovider.UploadComplete:
		return nil
	case u.rec.Length >= 0 && u.rec.Length != u.size:
		return refuse("upload", u.rec.ID, ErrIncomplete)
	case u.rec.Length >= 0 || !u.stored:
		u.rec.Length = u.size
		return u.Last(ctx)
	}
	if u.room != nil {
		u.rec.Reserved = u.rec.Reserved.Add(u.room.take()) // stays reserved
	}
	u.rec.Length, u.rec.Withheld = u.size, false
	return u.rs.store.Save(ctx, u.rec)
}

// Halt is Look after whoever writes the upload has been asked to stop, so that the
// offset is one that the next request can begin at.
func (r *Resumables) Halt(ctx context.Context, s *Session, id string) (rec dataprovider.Upload, err error) {
	err = s.do("upload", "/", func(string) error {
		if rec, err = r.read(ctx, s, id); err != nil || rec.State == dataprovider.UploadComplete {
			return err
		}
		rec, err = r.halt(ctx, s, id)
		return err
	})
	return rec, err
}

// Spoil has End give the upload up: its client contradicts itself, and nobody continues
// it. Later requests for it are ErrGone.
func (u *Resumable) Spoil() { u.spoiled = true }

// spoil is the end of an upload that was given up because of cause.
func (u *Resumable) spoil(ctx context.Context, cause error) error {
	if u.room != nil {
		u.room.release()
	}
	if u.fresh {
		u.tell(ctx, actions.UploadOpen)
	}
	if err := u.rs.lose(ctx, u.s, u.rec); !errors.Is(err, ErrGone) {
		cause = errors.Join(cause, err)
	}
	u.removeData(ctx)
	u.failed(ctx, cause)
	return cause
}
