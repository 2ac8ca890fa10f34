package session

import (
	"context"
	"errors"
	"io"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// wholePiece is what is gathered of data that arrive in crumbs, before it is written:
// the head of a request and its data seldom come together.
const wholePiece = 32 << 10

// Receive appends what body has. What was read is kept, whatever then fails, and
// nothing beyond the length of the upload: then the error is ErrTooLarge. A failure
// of body comes back as it is. tap, if it is not nil, sees what is written.
func (u *Resumable) Receive(body io.Reader, tap io.Writer) (int64, error) {
	if u.t == nil {
		if u.rec.State == dataprovider.UploadComplete {
			return u.nothing(body)
		}
		if err := u.openData(); err != nil {
			return 0, err
		}
	}
	p := u.s.m.buffers.get()
	defer u.s.m.buffers.put(p)
	buf := (*p)[:min(u.t.pieceLimit(), bufferSize)]
	var total int64
	for {
		n, rerr := u.t.fill(body, buf)
		for !u.stored && rerr == nil && n < min(len(buf), wholePiece) { // nothing of it is kept before all is there
			var m int
			m, rerr = u.t.fill(body, buf[n:])
			n += m
		}
		over := false
		if u.rec.Length >= 0 && int64(n) > u.rec.Length-u.size {
			n, over = int(u.rec.Length-u.size), true
		}
		if n > 0 {
			m, err := u.t.Write(buf[:n])
			u.size += int64(m)
			total += int64(m)
			if tap != nil {
				_, _ = tap.Write(buf[:m]) // a hash
			}
			if err != nil {
				return total, err
			}
			u.prolong()
		}
		switch {
		case over:
			return total, refuse("upload", u.rec.ID, ErrTooLarge)
		case errors.Is(rerr, io.EOF):
			return total, nil
		case rerr != nil:
			return total, rerr
		}
	}
}

// prolong keeps an upload from running out while one long request brings it: if that
// is killed, there is to be time to go on.
func (u *Resumable) prolong() {
	d := u.rs.policy.Expiration
	if d <= 0 || !u.stored || time.Until(u.rec.Expires) > d-d/16 || time.Since(u.prolonged) < d/16 {
		return
	}
	u.prolonged = time.Now()
	ctx, cancel := detached(u.s.ctx)
	defer cancel()
	rec := u.rec
	rec.Expires = u.expires()
	if err := u.rs.store.Save(ctx, rec); err != nil {
		u.rs.log.Warn("an upload may run out while it is written", "upload", u.rec.ID, "error", err)
		return
	}
	u.rec = rec
}

// nothing makes sure that there is nothing in a body.
func (u *Resumable) nothing(body io.Reader) (int64, error) {
	var one [1]byte
	switch n, err := body.Read(one[:]); {
	case n > 0:
		return 0, refuse("upload", u.rec.ID, ErrTooLarge)
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	}
	return 0, nil
}

// openData opens the data of a stored upload for writing at their end.
func (u *Resumable) openData() error {
	s := u.s
	release, err := s.reserve()
	if err != nil {
		return refuse("upload", u.rec.ID, err)
	}
	defer release()
	u.room = &room{top: u.rec.Reserved.Bytes}
	if s.account.quota.limited() {
		u.room.quota = s.account.quota
	}
	t := &Transfer{
		s: s, name: u.rec.Data, dir: Upload, start: time.Now(), limit: s.limiterFor(Upload),
		up: &upload{room: u.room, maxSize: s.user.Filters.MaxUploadFileSize},
	}
	t.up.end = func(ctx context.Context) error { return errors.Join(t.file.Commit(ctx), t.file.Close()) }
	if t.file, err = s.fs.Open(s.ctx, u.rec.Data, vfs.Read|vfs.Write); err != nil { // it outlives the request
		return err
	}
	if _, err := t.Seek(u.size, io.SeekStart); err != nil {
		_ = t.file.Close() // nothing was written
		return err
	}
	s.add(t)
	u.t = t
	return nil
}

// Checked tells that the data of this request are to be kept only if the caller
// says so, before the first of them is written: until Approve a crash undoes them.
func (u *Resumable) Checked(ctx context.Context) error {
	if !u.stored {
		return nil
	}
	u.rec.Offset, u.rec.Unverified = u.size, true
	return u.rs.store.Save(ctx, u.rec)
}

// Approve tells that they are good.
func (u *Resumable) Approve() { u.rec.Unverified = false }

// Written copies to w what this request wrote.
func (u *Resumable) Written(w io.Writer) error {
	if u.t == nil {
		return nil
	}
	_, err := io.Copy(w, io.NewSectionReader(u.t.file, u.begin, u.size-u.begin))
	return err
}

// Undo removes what this request wrote.
func (u *Resumable) Undo(ctx context.Context) error {
	if u.hold != nil && u.hold.lost.Load() {
		return refuse("upload", u.rec.ID, vfs.ErrBusy)
	}
	if u.stored && u.t != nil {
		a, ok := vfs.As[vfs.FileAttrSetter](u.t.file)
		if !ok {
			return refuse("upload", u.rec.ID, vfs.ErrUnsupported)
		}
		if err := a.SetAttrs(ctx, vfs.Attrs{Size: &u.begin}); err != nil {
			return err
		}
	}
	u.size = u.begin
	u.rec.Unverified = false
	u.vacate()
	return nil
}

// vacate gives back what this request has reserved for data that were removed.
func (u *Resumable) vacate() {
	if u.room != nil {
		u.room.release()
	}
}

// End ends what the request does: a complete upload is published, what came of
// another is recorded, and the hooks are told once. cause is why the request failed;
// nil if it did not. The error is cause, or why the end failed.
func (u *Resumable) End(cause error) error {
	ctx, cancel := detached(u.s.ctx)
	defer cancel()
	if u.hold != nil {
		defer u.hold.release()
	}
	var err error
	if u.stored {
		err = u.endStored(ctx, cause)
	} else {
		err = u.endWhole(ctx, cause)
	}
	u.s.failed("upload", u.rec.Name, err)
	return err
}

// endWhole publishes what one request brought, or drops it without a word.
func (u *Resumable) endWhole(ctx context.Context, cause error) error {
	if cause == nil && !u.complete() {
		cause = refuse("upload", u.rec.Name, ErrIncomplete)
	}
	u.t.TransferError(cause)
	if cause == nil {
		u.progress(ctx)
	}
	info, _ := u.t.Stat() // the identity does not change
	if err := u.flush(); cause == nil {
		cause = err
	}
	err := u.t.Close()
	ctx, cancel := detached(ctx) // the hooks may have taken long
	defer cancel()
	if err != nil {
		if cause != nil {
			return cause
		}
		return err
	}
	if name := u.t.Name(); name != u.rec.Name { // a hook wanted it there
		u.rec.Name, info = name, nil
	}
	if info != nil {
		u.rec.FileID = vfs.FileIDOf(info)
	}
	return u.remember(ctx, noAmount)
}

// flush writes the data to the disk where the policy says so.
func (u *Resumable) flush() error {
	if !u.rs.policy.Durable {
		return nil
	}
	return u.t.sync()
}

func (u *Resumable) endStored(ctx context.Context, cause error) error {
	if u.t != nil {
		if err := u.flush(); cause == nil {
			cause = err
		}
		if err := u.t.Close(); err != nil && cause == nil {
			cause = err
		}
	}
	switch {
	case u.hold.lost.Load():
		u.vacate()
		return errors.Join(cause, refuse("upload", u.rec.ID, vfs.ErrBusy)) // somebody else has it
	case u.rec.State == dataprovider.UploadComplete:
		return cause
	}
	if u.spoiled {
		return u.spoil(ctx, cause)
	}
	if u.rec.Unverified { // nobody said that it is good
		if err := u.cut(ctx, u.begin); err != nil {
			return err
		}
		u.size, u.rec.Unverified = u.begin, false
		u.vacate()
	}
	if u.fresh && u.unheard && cause != nil {
		return u.abandon(ctx, cause)
	}
	if isSpaceLimit(cause) {
		u.failed(ctx, cause)
	}
	if u.size == u.begin && !u.fresh && !u.complete() {
		return cause // nothing has changed
	}
	u.rec.Expires = u.expires()
	if u.complete() {
		if err := u.finish(ctx); cause == nil {
			cause = err
		}
		return cause
	}
	if !u.fresh || u.size > 0 { // else it is as it was stored
		if err := u.saveOpen(ctx); err != nil && cause == nil {
			cause = err
		}
	}
	u.progress(ctx)
	return cause
}

// abandon leaves nothing of an upload whose creation failed: its client does not know
// how to continue it.
func (u *Resumable) abandon(ctx context.Context, cause error) error {
	u.vacate()
	err := u.drop(ctx)
	if u.size = 0; isSpaceLimit(cause) {
		u.failed(ctx, cause)
	}
	return errors.Join(cause, err)
}

// saveOpen records what came, and reserves what came without a length.
func (u *Resumable) saveOpen(ctx context.Context) error {
	more := noAmount
	if u.room != nil {
		more = u.room.take()
	}
	u.rec.Reserved = u.rec.Reserved.Add(more) // stays reserved
	u.rec.Offset = u.size
	return u.rs.store.Save(ctx, u.rec)
}
