package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// NewUpload is what a client asks for.
type NewUpload struct {
	ID       string // to be used; empty: a new one
	Name     string // where it will be published; empty: at its id. Not for parts
	Length   int64  // -1: told later
	Metadata string // as the client wrote it
	Partial  bool
	Whole    bool // the request has all data
	Withheld bool // see Resumable.More
	Digest   string
	Unheard  bool // the client hears only in the answer how to continue: a request that fails leaves nothing
	Request  *actions.Request

	named bool // the id was not made here
}

const create = vfs.Write | vfs.Create | vfs.Truncate

// Create begins an upload: rules, quota and hooks are asked, and its length is
// reserved. interrupt is as in Take. The caller calls End.
//
// An upload that the request has as a Whole leaves no trace unless it is complete at
// End: its client does not know yet how to continue it.
func (r *Resumables) Create(ctx context.Context, s *Session, n NewUpload, interrupt func()) (u *Resumable, err error) {
	n.complete()
	err = s.do("upload", n.Name, func(name string) error {
		n.Name = name
		u, err = r.create(ctx, s, n, interrupt)
		return err
	})
	return u, err
}

// complete chooses what was left open.
func (n *NewUpload) complete() {
	n.named = n.ID != ""
	if !n.named {
		n.ID = newUploadID(time.Now())
	}
	if n.Name == "" {
		n.Name = "/" + n.ID
	}
}

// newUploadID returns a UUID that begins with the time (RFC 9562, 5.7): a store that
// keeps records in the order of their ids adds new ones at the end. 74 bits of it
// nobody can guess.
func newUploadID(at time.Time) string {
	var b [16]byte
	rand.Read(b[6:]) // never fails
	ms := at.UnixMilli()
	binary.BigEndian.PutUint16(b[:], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	text := make([]byte, 0, 36)
	for i, group := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, group)
	}
	return string(text)
}

func (r *Resumables) create(ctx context.Context, s *Session, n NewUpload, interrupt func()) (*Resumable, error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	u := r.begin(s, n)
	whole := n.Whole && !n.Partial
	up, err := u.mayBegin(ctx, whole)
	switch {
	case err != nil:
		return nil, err
	case whole:
		return u, u.createWhole(ctx, up)
	}
	return u, u.createStored(ctx, up, interrupt)
}

// begin fills the record.
func (r *Resumables) begin(s *Session, n NewUpload) *Resumable {
	rec := dataprovider.Upload{
		ID: n.ID, Owner: r.owner(s), Name: n.Name, Length: n.Length, Metadata: n.Metadata, Partial: n.Partial,
		Withheld: n.Withheld, Digest: n.Digest,
		Created: time.Now().UTC(), State: dataprovider.UploadOpen,
		Protocol: s.peer.Protocol, RemoteIP: s.remote,
	}
	if n.Partial {
		rec.Name = ""
	}
	rec.Data = r.policy.Data(rec)
	if r.policy.InPlace {
		rec.Name = rec.Data
	}
	u := &Resumable{rs: r, s: s, rec: rec, origin: newOrigin(n.Request), fresh: true, named: n.named, unheard: n.Unheard}
	u.rec.Expires = u.expires()
	return u
}

func (u *Resumable) expires() time.Time {
	if d := u.rs.policy.Expiration; d > 0 {
		return time.Now().Add(d).UTC()
	}
	return time.Time{}
}

// mayBegin applies the rules and asks the hooks. nil without an error is for parts,
// which have no name that rules could be applied to. What comes whole is about to be
// opened where it is published, which tells whether there is a directory for it.
func (u *Resumable) mayBegin(ctx context.Context, whole bool) (up *upload, err error) {
	s, rec := u.s, &u.rec
	if max := s.user.Filters.MaxUploadFileSize; max > 0 && rec.Length > max {
		return nil, u.overQuota(ctx, refuse("upload", rec.Name, ErrQuota))
	}
	if rec.Partial {
		if !s.somewhere(dataprovider.PermUpload) {
			return nil, refuse("upload", rec.ID, vfs.ErrPermission)
		}
	} else {
		if up, err = s.mayUpload(ctx, rec.Name, create); err != nil {
			return nil, err
		}
		asked := !whole || s.m.journal.hooks.Wants(actions.UploadCheck)
		if dir := path.Dir(rec.Name); asked && !u.rs.policy.InPlace {
			if info, err := s.fs.Stat(ctx, dir); err != nil {
				return nil, err
			} else if !info.IsDir() {
				return nil, refuse("upload", rec.Name, vfs.ErrNotDir)
			}
		}
	}
	if q := s.account.quota; q.limited() {
		if err := q.refresh(ctx); err != nil {
			return nil, err
		}
		if q.full() {
			return nil, u.overQuota(ctx, fmt.Errorf("%w for user %q", ErrQuota, s.user.Username))
		}
	}
	return u.admitted(ctx, up)
}

// admitted asks the hooks, which may choose name, id and metadata; the rules apply to
// their choice again. up is as in mayBegin.
func (u *Resumable) admitted(ctx context.Context, up *upload) (*upload, error) {
	s := u.s
	if err := s.admit(ctx, u.rec.Name); err != nil {
		return nil, refuse("upload", u.rec.Name, err)
	}
	if !s.m.journal.hooks.Wants(actions.UploadCheck) {
		return up, nil
	}
	verdict, err := u.ask(ctx, actions.UploadCheck)
	if err != nil {
		return nil, err
	}
	if verdict.UploadID != "" && verdict.UploadID != u.rec.ID {
		if !validID(verdict.UploadID) {
			return nil, fmt.Errorf("a hook wants the upload to be %q: that is no id", shorten(verdict.UploadID))
		}
		if _, err := u.rs.store.Get(ctx, verdict.UploadID); !errors.Is(err, dataprovider.ErrNotFound) {
			return nil, errors.Join(refuse("upload", verdict.UploadID, vfs.ErrExist), err)
		}
		if u.rec.Name == "/"+u.rec.ID {
			u.rec.Name = "/" + verdict.UploadID
		}
		u.rec.ID, u.named = verdict.UploadID, true
	}
	if verdict.Metadata != nil {
		u.rec.Metadata = formatMetadata(verdict.Metadata)
	}
	if verdict.Decision == actions.Rename && !u.rec.Partial {
		if u.rec.Name, err = redirected(path.Dir(u.rec.Name), verdict.Name); err != nil {
			return nil, err
		}
	}
	u.rec.Data = u.rs.policy.Data(u.rec)
	if u.rs.policy.InPlace {
		u.rec.Name = u.rec.Data
	}
	if u.rec.Partial {
		return nil, nil
	}
	return s.mayUpload(ctx, u.rec.Name, create) // as it is now: the hooks may have taken long
}

// validID reports whether an id can be a part of a URL and the name of a file.
func validID(id string) bool {
	const more = "-._~"
	return len(id) <= 128 && strings.Trim(id, ".") != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(more, r)
	}) && !strings.HasPrefix(id, ".")
}

// createStored makes the data file and the record.
func (u *Resumable) createStored(ctx context.Context, up *upload, interrupt func()) (err error) {
	want := dataprovider.Amount{Bytes: max(u.rec.Length, 0)}
	if up != nil && !up.existed {
		want.Files = 1
	}
	if u.hold, err = u.rs.acquire(ctx, u.rec.ID, interrupt); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			u.hold.release()
		}
	}()
	if err := u.makeData(ctx); err != nil {
		return err
	}
	u.rec.Reserved = want
	err = u.rs.pledge(ctx, u.s, want, func() error { return u.rs.store.Add(ctx, u.rec) })
	if err != nil {
		u.removeData(ctx)
		return u.overQuota(ctx, refuse("upload", u.rec.ID, err))
	}
	u.stored = true
	return nil
}

// makeData makes an empty file for the data.
func (u *Resumable) makeData(ctx context.Context) error {
	f, err := u.s.fs.Open(ctx, u.rec.Data, create|vfs.Excl)
	if errors.Is(err, vfs.ErrNotExist) {
		if err := u.rs.mkdirs(ctx, u.s, path.Dir(u.rec.Data)); err != nil {
			return err
		}
		f, err = u.s.fs.Open(ctx, u.rec.Data, create|vfs.Excl)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Commit(ctx), f.Close())
}

// removeData removes the data; what is left is swept.
func (u *Resumable) removeData(ctx context.Context) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := u.s.fs.Remove(ctx, u.rec.Data); err != nil && !errors.Is(err, vfs.ErrNotExist) {
		u.rs.log.Warn("data of an upload were not removed", "upload", u.rec.ID, "error", err)
	}
}

// createWhole opens a staged upload like any other.
func (u *Resumable) createWhole(ctx context.Context, up *upload) (err error) {
	s := u.s
	release, err := s.reserve()
	if err != nil {
		return refuse("upload", u.rec.Name, err)
	}
	defer release()
	up.id, up.held = u.rec.ID, s.holds(ctx, u.rec.Name)
	mode := up.decide(uploadModeAtomic, create) | vfs.Read
	t := &Transfer{s: s, name: u.rec.Name, dir: Upload, start: time.Now(), limit: s.limiterFor(Upload), up: up}
	up.describe = u.describe
	if err := up.reserveFile(ctx, s.account.quota, &s.user); err != nil {
		return u.overQuota(ctx, refuse("upload", u.rec.Name, err))
	}
	if err := up.grow(max(u.rec.Length, 0)); err != nil {
		up.room.release()
		return u.overQuota(ctx, refuse("upload", u.rec.Name, err))
	}
	up.end = func(ctx context.Context) error {
		err := t.failure()
		up.quiet = err != nil && !isSpaceLimit(err) // what nobody can continue was never there
		return t.closeUpload(ctx)
	}
	up.quiet = true // its beginning is told when all of it is there
	err = t.open(ctx, mode)
	if errors.Is(err, vfs.ErrNotExist) && u.rs.policy.InPlace {
		if err = u.rs.mkdirs(ctx, s, path.Dir(u.rec.Data)); err == nil {
			err = t.open(ctx, mode)
		}
	}
	up.quiet = false
	if err != nil {
		return err
	}
	s.m.ledger.register(t)
	s.add(t)
	u.t = t
	return nil
}
