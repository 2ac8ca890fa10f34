package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"sync"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// ErrNoUpload: there is no such upload, or it is somebody else's. It wraps
// vfs.ErrNotExist.
var ErrNoUpload = fmt.Errorf("no such upload: %w", vfs.ErrNotExist)

// ErrGone: there was such an upload, and it was given up or its data were lost.
var ErrGone = errors.New("upload is gone")

// ErrIncomplete: an upload lacks data for what is asked of it.
var ErrIncomplete = errors.New("upload is not complete")

// ErrTooLarge: there is more data than the upload has room for.
var ErrTooLarge = errors.New("more data than the upload has room for")

// ResumablePolicy says where the data of resumable uploads lie and what becomes of
// those that nobody continues.
type ResumablePolicy struct {
	// Data names where the data of an upload lie while they come in.
	Data func(u dataprovider.Upload) string
	// InPlace: that is where they stay. Else a complete upload goes to its Name.
	InPlace bool
	// Ownerless: uploads belong to nobody, and every session may continue them.
	Ownerless bool
	// Alone: no other process uses the store at the same time.
	Alone bool
	// Account finds the user of an owner, for what no session does.
	Account func(ctx context.Context, owner string) (dataprovider.User, error)

	// Expiration is how long an upload waits for its next request, Remember how long
	// one that ended is known. 0 is for ever.
	Expiration, Remember time.Duration
	// Wait is how long a request waits for another one to leave the upload to it.
	Wait time.Duration
	// RemoveParts removes parts once they were put together.
	RemoveParts bool
	// Durable: data survive a loss of power once a request has ended.
	Durable bool
	// MaxOpen is how many unfinished uploads one owner may have; 0 is no limit.
	MaxOpen int
}

// StagedPolicy is that of a server with users: the data wait in a directory in the
// home that nobody sees, and a complete upload is published by one rename.
func StagedPolicy(users dataprovider.Collection[dataprovider.User]) ResumablePolicy {
	return ResumablePolicy{
		Data: func(u dataprovider.Upload) string { return path.Join("/", vfs.UploadsDir, u.ID) },
		Account: func(ctx context.Context, owner string) (dataprovider.User, error) {
			u, _, err := users.Get(ctx, owner)
			return u, err
		},
		Expiration: 24 * time.Hour, Remember: 24 * time.Hour, Wait: 10 * time.Second,
		RemoveParts: true, MaxOpen: 1000,
	}
}

// Resumables keeps uploads that one request begins and others continue. Records are
// in a store, data in the storage of the user; the size of what is stored is the
// truth, so that nothing that arrived is lost when the process is killed. It is safe
// for concurrent use.
//
// An upload is written by one request at a time. One that comes later has the other
// stop and goes on where it ended.
type Resumables struct {
	m      *Manager
	store  dataprovider.Uploads
	policy ResumablePolicy
	log    *slog.Logger
	holder string // of leases: this process

	mu    sync.Mutex
	holds map[string]*hold
}

// NewResumables makes the resumable uploads of the sessions of m. Where a quota
// holds, what they reserve counts for all protocols.
func NewResumables(m *Manager, store dataprovider.Uploads, p ResumablePolicy, log *slog.Logger) *Resumables {
	r := &Resumables{
		m: m, store: store, policy: p, log: log.With("sender", "uploads"),
		holder: rand.Text(), holds: map[string]*hold{},
	}
	if !p.Ownerless {
		m.mu.Lock()
		m.pledges = r.pledges
		m.mu.Unlock()
	}
	return r
}

// Resumable is one request's hold on an upload, from Create or Take to End.
// It is for one goroutine.
type Resumable struct {
	rs     *Resumables
	s      *Session
	rec    dataprovider.Upload
	origin *origin

	hold   *hold     // nil: only looked at
	fresh  bool      // begun by this request
	named  bool      // the id was not made here
	stored bool      // the store has rec
	t      *Transfer // open for writing
	size   int64     // bytes stored
	begin  int64     // the same when this request began
	room   *room     // of this request

	spoiled bool // see Spoil

	prolonged time.Time // the last time that it was to
	unheard   bool      // see NewUpload
	looked    bool      // by who only wants to know, and may often ask
}

// Info is the record, with the offset of now.
func (u *Resumable) Info() dataprovider.Upload {
	rec := u.rec
	rec.Offset = u.size
	return rec
}

// complete reports whether all data is there.
func (u *Resumable) complete() bool {
	return u.rec.Length >= 0 && u.size == u.rec.Length && !u.rec.Withheld
}

func (r *Resumables) owner(s *Session) string {
	if r.policy.Ownerless {
		return ""
	}
	return s.user.Username
}

// read returns the record of an upload that the session may know of: one of
// somebody else is ErrNoUpload like one that never was.
func (r *Resumables) read(ctx context.Context, s *Session, id string) (dataprovider.Upload, error) {
	rec, err := r.store.Get(ctx, id)
	switch {
	case errors.Is(err, dataprovider.ErrNotFound):
		return rec, refuse("upload", shorten(id), ErrNoUpload)
	case err != nil:
		return rec, err
	case rec.Owner != r.owner(s):
		return rec, refuse("upload", shorten(id), ErrNoUpload)
	case rec.State == dataprovider.UploadGone || rec.State == dataprovider.UploadOpen && r.expired(rec):
		return rec, refuse("upload", id, ErrGone)
	}
	return rec, nil
}

func (r *Resumables) expired(rec dataprovider.Upload) bool {
	return !rec.Expires.IsZero() && time.Now().After(rec.Expires)
}

// Look returns an upload as it is, without a hold on it. One whose data are complete
// is finished first: whoever sent the last of them may never have heard of it.
func (r *Resumables) Look(ctx context.Context, s *Session, id string) (rec dataprovider.Upload, err error) {
	err = s.do("upload", "/", func(string) error {
		if rec, err = r.read(ctx, s, id); err != nil || rec.State == dataprovider.UploadComplete {
			return err
		}
		size, err := r.stored(ctx, s, rec)
		if rec.Unverified {
			size = min(size, rec.Offset)
		}
		if err == nil && rec.State == dataprovider.UploadOpen && (rec.Length < 0 || size < rec.Length || rec.Withheld) {
			rec.Offset = size
			return nil
		}
		rec, err = r.halt(ctx, s, id)
		return err
	})
	return rec, err
}

// halt asks whoever writes an upload to stop, and returns what is known of it then.
func (r *Resumables) halt(ctx context.Context, s *Session, id string) (rec dataprovider.Upload, err error) {
	u, err := r.take(ctx, s, id, nil, func() {})
	if err != nil {
		return rec, err
	}
	u.looked = true
	err = u.End(nil)
	return u.Info(), err
}

// stored is the size of what the storage has.
func (r *Resumables) stored(ctx context.Context, s *Session, rec dataprovider.Upload) (int64, error) {
	info, err := s.fs.Stat(ctx, rec.Data)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Take returns an upload to be written, with whatever req is in its events. Another
// request that writes it is asked to stop; if it does not in time, that is
// vfs.ErrBusy. The session calls interrupt, once at most and from any goroutine,
// when somebody else wants the upload: it must not block, and make a Receive that
// runs return. The caller calls End.
func (r *Resumables) Take(ctx context.Context, s *Session, id string, req *actions.Request, interrupt func()) (u *Resumable, err error) {
	err = s.do("upload", "/", func(string) error {
		u, err = r.take(ctx, s, id, req, interrupt)
		return err
	})
	return u, err
}

func (r *Resumables) take(ctx context.Context, s *Session, id string, req *actions.Request, interrupt func()) (_ *Resumable, err error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	if _, err := r.read(ctx, s, id); err != nil { // no lease for what is not there
		return nil, err
	}
	u := &Resumable{rs: r, s: s, origin: newOrigin(req), stored: true}
	if u.hold, err = r.acquire(ctx, id, interrupt); err != nil {
		return nil, err
	}
	if u.rec, err = r.read(ctx, s, id); err == nil {
		err = u.reconcile(ctx)
	}
	if err != nil {
		u.hold.release()
		return nil, err
	}
	return u, nil
}

// reconcile makes record and storage agree, after a crash perhaps.
func (u *Resumable) reconcile(ctx context.Context) error {
	if u.rec.State == dataprovider.UploadComplete {
		u.size = u.rec.Length
		u.begin = u.size
		return nil
	}
	size, err := u.rs.stored(ctx, u.s, u.rec)
	switch {
	case errors.Is(err, vfs.ErrNotExist) && u.published(ctx):
		u.size = u.rec.Length
		return u.remember(ctx, u.rec.Reserved)
	case err == nil && u.rec.FileID != "" && u.published(ctx): // the file has both names
		u.removeData(ctx)
		u.size, u.begin = u.rec.Length, u.rec.Length
		return u.remember(ctx, u.rec.Reserved)
	case errors.Is(err, vfs.ErrNotExist):
		return u.rs.lose(ctx, u.s, u.rec)
	case err != nil:
		return err
	}
	keep := size
	if u.rec.Unverified {
		keep = min(keep, u.rec.Offset)
	}
	if u.rec.Length >= 0 {
		keep = min(keep, u.rec.Length)
	}
	u.size, u.begin = keep, keep
	if keep < size {
		if err := u.cut(ctx, keep); err != nil {
			return err
		}
	}
	if u.rec.Unverified { // what comes from now on counts
		u.rec.Offset, u.rec.Unverified = keep, false
		return u.rs.store.Save(ctx, u.rec)
	}
	return nil
}

// published reports whether the upload reached its name before a crash: whoever
// says that it is about to is the only one who takes the data away, or gives the file
// a second name.
func (u *Resumable) published(ctx context.Context) bool {
	if u.rec.State != dataprovider.UploadVerifying {
		return false
	}
	info, err := u.s.fs.Stat(ctx, u.rec.Name)
	return err == nil && vfs.FileIDOf(info) == u.rec.FileID
}

// cut gives the data a size.
func (u *Resumable) cut(ctx context.Context, size int64) error {
	a, ok := vfs.As[vfs.AttrSetter](u.s.fs)
	if !ok {
		return refuse("upload", u.rec.ID, vfs.ErrUnsupported)
	}
	return a.SetAttrs(ctx, u.rec.Data, vfs.Attrs{Size: &size})
}

// SetLength tells the length of an upload that was begun without one; ErrQuota and
// ErrTooLarge tell why it cannot be.
func (u *Resumable) SetLength(ctx context.Context, length int64) error {
	if length < u.size {
		return refuse("upload", u.rec.ID, ErrTooLarge)
	}
	if max := u.s.user.Filters.MaxUploadFileSize; max > 0 && length > max {
		return refuse("upload", u.rec.ID, ErrQuota)
	}
	return u.raise(ctx, dataprovider.Amount{Files: u.rec.Reserved.Files, Bytes: length})
}

// mkdirs makes a directory for data, and those above.
func (r *Resumables) mkdirs(ctx context.Context, s *Session, dir string) error {
	if dir == "/" {
		return nil
	}
	err := s.fs.Mkdir(ctx, dir)
	if errors.Is(err, vfs.ErrNotExist) {
		if err = r.mkdirs(ctx, s, path.Dir(dir)); err == nil {
			err = s.fs.Mkdir(ctx, dir)
		}
	}
	if errors.Is(err, vfs.ErrExist) {
		return nil
	}
	if a, ok := vfs.As[vfs.AttrSetter](s.fs); ok && err == nil && !r.policy.InPlace {
		private := fs.FileMode(0o700)
		err = a.SetAttrs(ctx, dir, vfs.Attrs{Mode: &private})
	}
	return err
}
