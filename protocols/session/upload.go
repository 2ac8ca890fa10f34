package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// upload is the writing side of a Transfer.
type upload struct {
	held     bool            // a hook looks at the content before anybody else
	base     fs.FileInfo     // of the content that a held upload has begun with; nil: none
	verdict  actions.Verdict // of the hook that has looked
	sum      *checksum       // of what is held, while it is written
	directed bool            // the place is the choice of a hook: rules do not apply
	staged   bool
	read     bool    // reading is allowed too
	existed  bool    // there was a file
	excl     bool    // there must be none when it is made: it may not be overwritten
	old      int64   // its size
	cut      bool    // it was truncated at open
	link     bool    // the name is a link: a drop must not remove it
	entry    string  // the name, or where it leads to if it is a link
	quiet    bool    // nobody is told of it
	place    string  // of the file that is written, see ledger
	object   *object // of a write in place
	intent   int64   // of a write in place, or of one that was announced; stated is what the former says
	stated   *intent
	touched  atomic.Bool  // created, truncated or written
	sent     atomic.Int64 // bytes read back

	properties []dataprovider.PropertyMove                      // of a copy
	accept     func(ctx context.Context, old fs.FileInfo) error // see Accept; may be nil

	describe func(*actions.Event)            // adds to the event; may be nil
	end      func(ctx context.Context) error // instead of the end of an upload; may be nil

	room    *room
	maxSize int64 // max_upload_file_size, 0 = no limit

	id        string // a UUID
	length    int64  // as the client has said it; or unknownLength
	announced bool   // its beginning is told, when data comes or the old has gone
	begun     atomic.Bool
	source    string // of a copy: what is copied

	line      inLine   // who waits for its event
	landed    *landed  // what it has become; nil if that does not matter
	copied    copyTold // told when line has agreed
	withdrawn bool     // line has not, and what it had become was taken back
}

// Upload opens a file for writing, if no hook objects; a hook may choose another name.
// mode is made of vfs.Write, Read, Create,
// Truncate and Excl; whether the upload is staged is decided here, by the upload
// mode. The event follows at Close.
func (s *Session) Upload(ctx context.Context, name string, mode vfs.Mode) (t *Transfer, err error) {
	return s.UploadSized(ctx, name, mode, unknownLength)
}

// UploadSized is Upload of a file that will have length bytes, as the client says; a
// negative length is not known. Nothing but events depends on it.
func (s *Session) UploadSized(ctx context.Context, name string, mode vfs.Mode, length int64) (t *Transfer, err error) {
	err = s.do("upload", name, func(name string) error {
		t, err = s.openUpload(ctx, name, mode, length)
		return err
	})
	return t, err
}

func (s *Session) openUpload(ctx context.Context, name string, mode vfs.Mode, length int64) (*Transfer, error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	up, err := s.mayUpload(ctx, name, mode)
	if err != nil {
		return nil, err
	}
	if err := s.admit(ctx, name); err != nil {
		return nil, refuse("upload", name, err)
	}
	release, err := s.reserve()
	if err != nil {
		return nil, refuse("upload", name, err)
	}
	defer release()
	up.length = length
	if err := up.reserveFile(ctx, s.account.quota, &s.user); err != nil {
		return nil, refuse("upload", name, err)
	}
	if name, up, err = s.passGates(ctx, name, up, mode); err != nil {
		return nil, err
	}
	mode = up.decide(s.m.cfg.UploadMode, mode)
	t := &Transfer{
		s: s, name: name, dir: Upload, start: time.Now(), limit: s.limiterFor(Upload), up: up, origin: originOf(ctx),
	}
	if err := t.open(ctx, mode); err != nil {
		return nil, err
	}
	s.m.ledger.register(t)
	if up.cut {
		t.began(ctx)
	}
	s.add(t)
	return t, nil
}

// mayUpload applies the rules to what lies at name.
func (s *Session) mayUpload(ctx context.Context, name string, mode vfs.Mode) (*upload, error) {
	up := &upload{id: newTransferID(), length: unknownLength}
	var info fs.FileInfo
	entry, err := s.lstat(ctx, name)
	if err == nil {
		up.link = entry.Mode()&fs.ModeSymlink != 0
		info, err = s.fs.Stat(ctx, name)
	}
	switch {
	case errors.Is(err, vfs.ErrNotExist):
		if !s.reaches(dataprovider.PermUpload, name) {
			return nil, refuse("upload", name, vfs.ErrPermission)
		}
		up.excl = !up.link && !s.allowed(dataprovider.PermOverwrite, name)
		if !mode.Has(vfs.Create) {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, refuse("upload", name, vfs.ErrIsDir)
	default:
		// A link is new to its directory, and what it points to is overwritten.
		if up.link && !s.allowed(dataprovider.PermUpload, name) || !s.reaches(dataprovider.PermOverwrite, name) {
			return nil, refuse("upload", name, vfs.ErrPermission)
		}
		if mode.Has(vfs.Create | vfs.Excl) {
			return nil, refuse("upload", name, vfs.ErrExist)
		}
		up.existed, up.old = true, info.Size()
	}
	if !s.contentAllowed(name) {
		return nil, refuse("upload", name, vfs.ErrPermission)
	}
	up.read = mode.Has(vfs.Read) && s.reaches(dataprovider.PermDownload, name)
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
	if u.excl {
		mode |= vfs.Excl
	}
	u.cut = mode.Has(vfs.Truncate)
	u.staged = uploadMode > 0 && u.cut || u.held
	if u.staged {
		mode |= vfs.Atomic | vfs.Create | vfs.Truncate
	}
	if u.held {
		mode |= vfs.Read // for its digest; whether the client may read is another matter
	}
	u.touched.Store(u.cut)
	return mode
}

// reserveFile takes the place of a new file, and refuses when the quota is full.
func (u *upload) reserveFile(ctx context.Context, q *quota, user *dataprovider.User) error {
	u.room = &room{top: u.old}
	if !q.limited() {
		return nil
	}
	u.room.quota = q
	if err := q.refresh(ctx); err != nil {
		return err
	}
	if q.full() {
		return fmt.Errorf("%w for user %q", ErrQuota, user.Username)
	}
	if u.existed {
		return nil
	}
	return u.room.cover(dataprovider.Amount{Files: 1})
}

// grow makes room for a file of end bytes.
func (u *upload) grow(end int64) error {
	if u.maxSize > 0 && end > u.maxSize {
		return ErrQuota
	}
	return u.room.grow(end)
}

// piece tells how many bytes, up to n, may be written at pos.
func (u *upload) piece(pos, n int64) int64 {
	if u.maxSize > 0 {
		n = min(n, u.maxSize-pos)
	}
	return max(u.room.left(pos, n), 0)
}

// open opens the storage. A write in place states its intention first, because
// the file is visible from now on.
func (t *Transfer) open(ctx context.Context, mode vfs.Mode) error {
	name := t.name
	if t.up.link {
		name = t.s.behind(ctx, name)
	}
	own := t.up.room
	var err error
	t.up.entry = name
	if t.up.staged {
		err = t.openStaged(ctx, name, mode)
	} else {
		err = t.openInPlace(ctx, name, mode)
	}
	if err != nil || t.up.room != own {
		own.release()
	}
	return err
}

// openStaged finds out where the file will be published.
func (t *Transfer) openStaged(ctx context.Context, name string, mode vfs.Mode) (err error) {
	if t.up.place, err = t.s.place(ctx, name); err != nil {
		return err
	}
	if err := t.stateStaged(ctx); err != nil {
		return err
	}
	if err = t.openFile(mode); err == nil {
		if now, perr := t.s.place(ctx, name); perr != nil || now != t.up.place {
			_ = t.file.Close() // nothing was written
			err = refuse("upload", name, vfs.ErrBusy)
		}
	}
	if err == nil {
		if err = t.begin(ctx); err != nil {
			_ = t.file.Close() // nobody has seen it
		}
	}
	if err != nil {
		t.s.m.journal.drop(ctx, t.up.intent)
	}
	return err
}

// openInPlace joins those who write the file already, or is the first. name is
// without a link in the last component.
func (t *Transfer) openInPlace(ctx context.Context, name string, mode vfs.Mode) error {
	l := t.s.m.ledger
	pg, spots, err := t.s.lockFiles(ctx, name)
	if err != nil {
		return err
	}
	defer pg.unlock()
	place, info := spots[0].place, spots[0].info
	if info != nil && info.Mode().Type() == fs.ModeSymlink {
		return refuse("upload", t.name, vfs.ErrBusy) // it was none before
	}
	_, o := pg.found(place, info)
	if o == nil {
		o = l.written(info) // under another name
	}
	before := amountOf(info)
	if o != nil {
		before = o.counted
		t.up.room = o.room
	} else if err := t.up.room.start(before); err != nil {
		return refuse("upload", t.name, err)
	}
	if err := t.stateIntent(ctx, info, before); err != nil {
		return err
	}
	if info == nil {
		t.s.forget(ctx, name)
	}
	id, err := t.openLocked(mode, info)
	if err != nil {
		t.s.m.journal.drop(ctx, t.up.intent)
		return err
	}
	if o == nil {
		o = &object{id: id, counted: before, room: t.up.room, writers: map[*Transfer]struct{}{}}
		pg.attach(place, o)
	} else if l.placeOf(o) == "" {
		pg.attach(place, o) // the name that it had was taken away
	}
	l.enter(o, t)
	return nil
}

// written is the name of what is written: of a link, where it leads to.
func (t *Transfer) written(ctx context.Context) string {
	if t.up.link {
		return t.s.behind(ctx, t.Name())
	}
	return t.Name()
}

// linkless is name without links, for what is published under it. Whether the last
// component is one was found out at the beginning.
func (t *Transfer) linkless(ctx context.Context, name string) string {
	if t.up.link {
		return t.s.behind(ctx, name)
	}
	return t.s.inDir(ctx, name)
}

// openLocked opens what is locked: info, or nothing yet. The way there may lead to
// another file by now, which is counted elsewhere. It returns the identity of the
// file.
func (t *Transfer) openLocked(mode vfs.Mode, info fs.FileInfo) (id string, err error) {
	exclusive := mode
	switch {
	case info != nil:
	case mode.Has(vfs.Create):
		exclusive |= vfs.Excl
	default:
		return "", refuse("upload", t.name, vfs.ErrNotExist) // it was there before
	}
	if err := t.openFile(exclusive); err != nil {
		if exclusive != mode && errors.Is(err, vfs.ErrExist) {
			err = refuse("upload", t.name, vfs.ErrBusy)
		}
		return "", err
	}
	now, err := t.file.Stat()
	if err != nil {
		return "", nil // as with storage that has no identities
	}
	want := now
	switch {
	case info != nil:
		want = info
	case vfs.FileIDOf(now) != "":
		if want, err = t.s.lstat(t.s.ctx, t.up.entry); err != nil {
			want = nil
		}
	}
	if vfs.FileIDOf(want) != vfs.FileIDOf(now) {
		_ = t.file.Close() // nothing was written
		return "", refuse("upload", t.name, vfs.ErrBusy)
	}
	return vfs.FileIDOf(now), nil
}

func (t *Transfer) openFile(mode vfs.Mode) error {
	return t.s.steady(t.mayOpen, func() (err error) {
		t.file, err = t.s.fs.Open(t.s.ctx, t.up.entry, mode) // the file outlives the request
		return err
	})
}

// mayOpen applies the rules of mayUpload again, to where the name leads now.
func (t *Transfer) mayOpen() error {
	s, name := t.s, t.name
	may := t.up.directed || s.reaches(dataprovider.PermUpload, name)
	if t.up.existed && !t.up.directed {
		may = s.reaches(dataprovider.PermOverwrite, name) && (!t.up.link || s.allowed(dataprovider.PermUpload, name))
	}
	if t.up.read {
		may = may && s.reaches(dataprovider.PermDownload, name)
	}
	switch {
	case !may || !t.up.directed && !s.contentAllowed(name):
		return refuse("upload", name, vfs.ErrPermission)
	case s.behind(s.ctx, name) != s.behind(s.ctx, t.up.entry):
		return refuse("upload", name, vfs.ErrBusy) // a link that leads elsewhere by now
	}
	return nil
}

func (t *Transfer) stateIntent(ctx context.Context, info fs.FileInfo, before dataprovider.Amount) error {
	owner := t.s.owner()
	t.up.announced = t.announces(ctx)
	if !t.journaled(owner) {
		return nil
	}
	in := &intent{
		Op: intentWrite, Name: t.s.inDir(ctx, t.up.entry), Root: t.s.root, Before: before, Count: owner != "",
		Event: t.event(ctx, actions.UploadFailed), Quiet: t.up.quiet,
	}
	if info != nil {
		in.FileID, in.Size, in.Modified = vfs.FileIDOf(info), info.Size(), dated(info.ModTime())
	}
	id, err := t.s.m.journal.begin(ctx, in)
	t.up.intent, t.up.stated = id, in
	return err
}
