package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// upload is the writing side of a Transfer.
type upload struct {
	staged  bool
	read    bool         // reading is allowed too
	existed bool         // there was a file
	old     int64        // its size
	cut     bool         // it was truncated at open
	link    bool         // the name is a link: a drop must not remove it
	intent  int64        // of a write in place
	touched atomic.Bool  // created, truncated or written
	sent    atomic.Int64 // bytes read back

	quota   *quota // nil when nothing is limited
	maxSize int64  // max_upload_file_size, 0 = no limit

	mu       sync.Mutex
	top      int64 // the end of what is counted or reserved
	reserved dataprovider.Amount
}

// Upload opens a file for writing. mode is made of vfs.Write, Read, Create,
// Truncate and Excl; whether the upload is staged is decided here, by the upload
// mode. The event follows at Close.
func (s *Session) Upload(ctx context.Context, name string, mode vfs.Mode) (t *Transfer, err error) {
	err = s.do("upload", name, func(name string) error {
		t, err = s.openUpload(ctx, name, mode)
		return err
	})
	return t, err
}

func (s *Session) openUpload(ctx context.Context, name string, mode vfs.Mode) (*Transfer, error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	up, err := s.mayUpload(ctx, name, mode)
	if err != nil {
		return nil, err
	}
	release, err := s.reserve()
	if err != nil {
		return nil, refuse("upload", name, err)
	}
	defer release()
	mode = up.decide(s.m.cfg.UploadMode, mode)
	t := &Transfer{s: s, name: name, dir: Upload, start: time.Now(), limit: s.limiterFor(Upload), up: up}
	if err := up.reserveFile(ctx, s.account.quota, &s.user); err != nil {
		return nil, refuse("upload", name, err)
	}
	if err := t.open(ctx, mode); err != nil {
		up.releaseAll()
		return nil, err
	}
	s.add(t)
	return t, nil
}

// mayUpload applies the rules to what lies at name.
func (s *Session) mayUpload(ctx context.Context, name string, mode vfs.Mode) (*upload, error) {
	up := &upload{}
	var info fs.FileInfo
	entry, err := s.lstat(ctx, name)
	if err == nil {
		up.link = entry.Mode()&fs.ModeSymlink != 0
		info, err = s.fs.Stat(ctx, name)
	}
	switch {
	case errors.Is(err, vfs.ErrNotExist):
		if !s.allowed(dataprovider.PermUpload, name) {
			return nil, refuse("upload", name, vfs.ErrPermission)
		}
		if !mode.Has(vfs.Create) {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, refuse("upload", name, vfs.ErrIsDir)
	default:
		// A link is new to its directory, and what it points to is overwritten.
		if up.link && !s.allowed(dataprovider.PermUpload, name) || !s.allowed(dataprovider.PermOverwrite, name) {
			return nil, refuse("upload", name, vfs.ErrPermission)
		}
		if mode.Has(vfs.Create | vfs.Excl) {
			return nil, refuse("upload", name, vfs.ErrExist)
		}
		up.existed, up.old = true, info.Size()
	}
	if !s.user.FileAllowed(name) {
		return nil, refuse("upload", name, vfs.ErrPermission)
	}
	up.read = mode.Has(vfs.Read) && s.allowed(dataprovider.PermDownload, name)
	up.maxSize = s.user.Filters.MaxUploadFileSize
	if up.maxSize > 0 && up.existed && !mode.Has(vfs.Truncate) && up.maxSize <= up.old {
		return nil, refuse("upload", name, ErrQuota)
	}
	return up, nil
}

// decide turns what the client asked for into how the file is opened. What
// starts empty is staged in the upload modes 1 and 2; what changes a file that
// is there cannot be.
func (u *upload) decide(uploadMode int, mode vfs.Mode) vfs.Mode {
	mode &^= vfs.Atomic
	if !u.read {
		mode &^= vfs.Read
	}
	if !u.existed {
		mode |= vfs.Truncate
	}
	u.cut = mode.Has(vfs.Truncate)
	u.staged = uploadMode > 0 && u.cut
	if u.staged {
		mode |= vfs.Atomic | vfs.Create
	}
	u.touched.Store(u.cut)
	return mode
}

// reserveFile takes the place of a new file, and refuses when the quota is full.
func (u *upload) reserveFile(ctx context.Context, q *quota, user *dataprovider.User) error {
	u.top = u.old
	if !q.limited() {
		return nil
	}
	u.quota = q
	if err := q.refresh(ctx); err != nil {
		return err
	}
	if q.full() {
		return fmt.Errorf("%w for user %q", ErrQuota, user.Username)
	}
	if u.existed {
		return nil
	}
	one := dataprovider.Amount{Files: 1}
	if err := q.reserve(one); err != nil {
		return err
	}
	u.reserved = one
	return nil
}

// grow makes room for a file of end bytes.
func (u *upload) grow(end int64) error {
	if u.maxSize > 0 && end > u.maxSize {
		return ErrQuota
	}
	if u.quota == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if end <= u.top {
		return nil
	}
	more := dataprovider.Amount{Bytes: end - u.top}
	if err := u.quota.reserve(more); err != nil {
		return err
	}
	u.top = end
	u.reserved = u.reserved.Add(more)
	return nil
}

// piece tells how many bytes, up to n, may be written at pos.
func (u *upload) piece(pos, n int64) int64 {
	if u.maxSize > 0 {
		n = min(n, u.maxSize-pos)
	}
	if u.quota != nil {
		if room := u.quota.room(); room >= 0 {
			u.mu.Lock()
			n = min(n, u.top+room-pos)
			u.mu.Unlock()
		}
	}
	return max(n, 0)
}

// releaseAll gives back what was reserved; by then the usage has it, or nothing
// was stored.
func (u *upload) releaseAll() {
	if u.quota == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.quota.release(u.reserved)
	u.reserved = noAmount
}

// open opens the storage. A write in place states its intention first, because
// the file is visible from now on.
func (t *Transfer) open(ctx context.Context, mode vfs.Mode) error {
	if t.up.staged {
		return t.openFile(mode)
	}
	pg := t.s.lock(t.name)
	defer pg.unlock()
	path := t.s.path(t.name)
	var now dataprovider.Amount
	if info, err := t.s.fs.Stat(ctx, t.name); err == nil {
		now = amountOf(info)
	}
	before := pg.before(path, now)
	if err := t.stateIntent(ctx, before); err != nil {
		return err
	}
	if err := t.openFile(mode); err != nil {
		t.s.m.journal.drop(ctx, t.up.intent)
		return err
	}
	pg.enter(path, before)
	return nil
}

func (t *Transfer) openFile(mode vfs.Mode) error {
	f, err := t.s.fs.Open(t.s.ctx, t.name, mode) // the file outlives the request
	if err != nil {
		return err
	}
	t.file = f
	return nil
}

func (t *Transfer) stateIntent(ctx context.Context, before dataprovider.Amount) error {
	owner := t.s.owner()
	if !t.s.m.journal.wanted(actions.UploadFailed, owner != "") {
		return nil
	}
	id, err := t.s.m.journal.begin(ctx, intent{
		Op: intentWrite, Name: t.name, Before: before, Count: owner != "",
		Event: t.s.event(actions.UploadFailed, t.name),
	})
	t.up.intent = id
	return err
}
