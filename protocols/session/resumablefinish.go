package session

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// finish makes a complete upload what it was for. It may be called again after a
// failure or a crash at any point.
func (u *Resumable) finish(ctx context.Context) error {
	if err := u.inspectDigest(ctx); err != nil {
		return err
	}
	ctx, cancel := detached(ctx) // to read all the data may have taken long
	defer cancel()
	switch {
	case u.rec.Partial, u.rs.policy.InPlace:
		if err := u.inspectInPlace(ctx); err != nil {
			return err
		}
		ctx, cancel := detached(ctx) // the hooks may have taken long
		defer cancel()
		if err := u.announce(ctx); err != nil {
			return err
		}
		u.progress(ctx)
		u.tell(ctx, actions.UploadDone)
		return u.remember(ctx, u.rec.Reserved)
	}
	t, err := u.publishing(ctx)
	if err != nil {
		if !u.looked {
			u.failed(ctx, err)
		}
		return errors.Join(err, u.saveOpen(ctx))
	}
	u.progress(ctx)
	pledged := t.up.room.reserved // what counts goes with the file
	err = t.Close()
	ctx, cancel = detached(ctx) // the hooks may have taken long
	defer cancel()
	if t.up.withdrawn {
		return errors.Join(err, u.withdrawn(ctx, pledged))
	}
	if err != nil {
		u.s.account.quota.restore(pledged)
		if _, serr := u.rs.stored(ctx, u.s, u.rec); errors.Is(serr, vfs.ErrNotExist) && u.published(ctx) {
			return errors.Join(err, u.remember(ctx, pledged)) // only what follows from it waits for the store
		}
		u.rec.State, u.rec.FileID = dataprovider.UploadOpen, ""
		return u.refused(ctx, err)
	}
	if name := t.Name(); name != u.rec.Name { // a hook wanted it there
		u.removeData(ctx)
		u.rec.Name, u.rec.FileID = name, ""
	}
	if err := u.remember(ctx, noAmount); err != nil {
		u.s.account.quota.restore(pledged) // as the record has it
		return err
	}
	return nil
}

// announce records that the hooks are about to hear of a complete upload: after a crash
// they hear of it again, rather than never.
func (u *Resumable) announce(ctx context.Context) error {
	if !u.s.m.journal.hooks.Wants(actions.UploadDone) {
		return nil
	}
	u.rec.State, u.rec.Offset = dataprovider.UploadVerifying, u.size
	return u.rs.store.Save(ctx, u.rec)
}

// publishing prepares a transfer whose Close publishes the data like any staged
// upload. The record says so first: after a crash, data that are not there any more
// were published.
func (u *Resumable) publishing(ctx context.Context) (_ *Transfer, err error) {
	s := u.s
	up, err := s.mayUpload(ctx, u.rec.Name, create)
	if err != nil {
		return nil, err
	}
	up.decide(uploadModeAtomic, create)
	up.id, up.held = u.rec.ID, s.holds(ctx, u.rec.Name)
	t := &Transfer{s: s, name: u.rec.Name, dir: Upload, start: u.rec.Created, up: up}
	up.describe = u.describe
	up.entry = u.rec.Name
	if up.link {
		up.entry = s.behind(ctx, u.rec.Name)
	}
	if up.place, err = s.place(ctx, up.entry); err != nil {
		return nil, err
	}
	data, err := s.fs.Open(s.ctx, u.rec.Data, vfs.Read|vfs.Write)
	if err != nil {
		return nil, err
	}
	info, err := data.Stat()
	if err == nil {
		u.rec.State, u.rec.FileID, u.rec.Offset = dataprovider.UploadVerifying, vfs.FileIDOf(info), u.size
		err = u.rs.store.Save(ctx, u.rec)
	}
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	t.file = &parked{File: data, t: t, name: u.rec.Data}
	up.room = s.account.quota.taken(u.rec.Reserved)
	t.moved.Store(u.size)
	s.m.ledger.register(t)
	return t, nil
}

// parked is the data of a complete upload as a staged file: Commit publishes it.
type parked struct {
	vfs.File
	t    *Transfer
	name string
}

// StagedPath implements vfs.Stager.
func (p *parked) StagedPath() string { return p.t.s.path(p.name) }

// Commit implements vfs.File.
func (p *parked) Commit(ctx context.Context) error {
	t := p.t
	return t.s.steady(t.mayOpen, func() error {
		if t.up.existed {
			p.inherit(ctx)
		} else if l, ok := vfs.As[vfs.HardLinker](t.s.fs); ok && t.up.excl {
			err := l.Link(ctx, p.name, t.up.entry)
			if err == nil {
				_ = t.s.fs.Remove(ctx, p.name) // it is published; what is left is swept
			}
			if !errors.Is(err, vfs.ErrUnsupported) {
				return err
			}
		}
		return t.s.fs.Rename(ctx, p.name, t.up.entry)
	})
}

// inherit gives the file the mode of the one that it replaces.
func (p *parked) inherit(ctx context.Context) {
	old, err := p.t.s.fs.Stat(ctx, p.t.up.entry)
	a, ok := vfs.As[vfs.FileAttrSetter](p.File)
	if err != nil || !ok {
		return
	}
	mode := old.Mode().Perm()
	if err := a.SetAttrs(ctx, vfs.Attrs{Mode: &mode}); err != nil {
		p.t.s.log.Warn("cannot keep mode", "virtual_path", p.t.Name(), "error", err)
	}
}

// remember records that the upload is complete, and gives back what is still reserved
// for it; nothing of a part.
func (u *Resumable) remember(ctx context.Context, reserved dataprovider.Amount) error {
	u.rec.State, u.rec.Offset, u.rec.Length = dataprovider.UploadComplete, u.size, u.size
	if !u.rec.Partial {
		u.rec.Data, u.rec.Reserved = u.rec.Name, noAmount
		u.rec.Expires = time.Time{}
		if d := u.rs.policy.Remember; d > 0 {
			u.rec.Expires = time.Now().Add(d).UTC()
		}
	}
	if !u.stored {
		return u.addComplete(ctx)
	}
	save := func() error { return u.rs.store.Save(ctx, u.rec) }
	if u.rec.Partial {
		return save()
	}
	return u.s.account.quota.giveBack(reserved, save)
}

// addComplete records an upload that the store has not heard of yet.
func (u *Resumable) addComplete(ctx context.Context) error {
	if r, ok := u.rs.store.(dataprovider.UploadRecorder); ok && !u.named {
		return r.Record(ctx, u.rec)
	}
	return u.rs.store.Add(ctx, u.rec)
}

// lose records that an upload has come to an end without being complete: nobody can
// continue it.
func (r *Resumables) lose(ctx context.Context, s *Session, rec dataprovider.Upload) error {
	was := rec.Reserved
	rec.State, rec.Reserved = dataprovider.UploadGone, noAmount
	rec.Expires = time.Now().Add(max(r.policy.Remember, time.Hour)).UTC()
	if err := s.account.quota.giveBack(was, func() error { return r.store.Save(ctx, rec) }); err != nil {
		return err
	}
	return refuse("upload", rec.ID, ErrGone)
}

// Open opens what came of an upload for reading: the session's rules for downloads
// apply, and its event follows at Close. One that was published and then replaced or
// removed is ErrGone.
func (r *Resumables) Open(ctx context.Context, s *Session, id string) (rec dataprovider.Upload, t *Transfer, err error) {
	err = s.do("download", "/", func(string) error {
		if rec, err = r.read(ctx, s, id); err != nil {
			return err
		}
		complete := rec.State == dataprovider.UploadComplete && !rec.Partial
		if name := cmp.Or(rec.Name, rec.Data); !complete && s.holds(ctx, name) {
			return refuse("download", rec.ID, vfs.ErrPermission) // no hook has seen the content yet
		}
		if complete || r.policy.InPlace {
			if t, err = s.download(ctx, rec.Data); errors.Is(err, vfs.ErrNotExist) {
				err = refuse("download", rec.ID, ErrGone)
			}
			return err
		}
		t, err = r.openIncomplete(s, rec)
		return err
	})
	if err != nil {
		return rec, nil, err
	}
	if info, serr := t.Stat(); serr == nil && !r.same(rec, info) {
		t.up = &upload{quiet: true} // nobody has downloaded anything
		t.up.end = func(context.Context) error { return t.file.Close() }
		_ = t.Close()
		return rec, nil, refuse("download", rec.ID, ErrGone)
	}
	return rec, t, nil
}

// same reports whether info is the file that an upload became.
func (r *Resumables) same(rec dataprovider.Upload, info fs.FileInfo) bool {
	return rec.FileID == "" || vfs.FileIDOf(info) == rec.FileID
}

// openIncomplete opens data that nobody else sees.
func (r *Resumables) openIncomplete(s *Session, rec dataprovider.Upload) (*Transfer, error) {
	if rec.Name != "" && !s.reaches(dataprovider.PermDownload, rec.Name) || rec.Name == "" && !s.somewhere(dataprovider.PermDownload) {
		return nil, refuse("download", rec.ID, vfs.ErrPermission)
	}
	release, err := s.reserve()
	if err != nil {
		return nil, refuse("download", rec.ID, err)
	}
	defer release()
	t := &Transfer{s: s, name: rec.Data, dir: Download, start: time.Now(), limit: s.limiterFor(Download)}
	if t.file, err = s.fs.Open(s.ctx, rec.Data, vfs.Read); err != nil {
		return nil, err
	}
	s.add(t)
	return t, nil
}
