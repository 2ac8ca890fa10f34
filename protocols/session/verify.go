package session

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// holds reports whether a hook wants to look at the content of an upload to name
// before anybody else sees it.
func (s *Session) holds(ctx context.Context, name string) bool {
	if !s.m.journal.hooks.Wants(actions.UploadVerify) {
		return false
	}
	e := s.question(ctx, actions.UploadVerify, name)
	e.Result.Size = math.MaxInt64 // it is not known yet
	return s.m.journal.hooks.Asks(&e)
}

// begin gives a held upload the content that it changes: what others see stays as it
// is until the hook has seen the whole.
func (t *Transfer) begin(ctx context.Context) error {
	switch {
	case !t.up.held:
		return nil
	case t.up.cut || !t.up.existed:
		t.up.sum = newChecksum()
		return nil
	}
	s := t.s
	f, err := s.fs.Open(ctx, t.up.entry, vfs.Read)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	from := &Transfer{s: s, name: t.name, dir: Download, file: f}
	if err := copyWhole(ctx, from, t, info.Size()); err != nil {
		return err
	}
	t.up.base = info
	return t.up.room.start(amountOf(info))
}

// copyWhole copies n bytes, which count nowhere.
func copyWhole(ctx context.Context, from, to *Transfer, n int64) error {
	c := copier{from: from, to: to}
	defer c.close()
	for off := int64(0); off < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := c.copy(ctx, off, off, min(n-off, zeroCopyPiece))
		if err == nil && m == 0 {
			err = refuse("copy", from.name, vfs.ErrBusy) // it has become shorter
		}
		if err != nil {
			return err
		}
		off += m
		to.s.Touch()
	}
	return nil
}

// stillBased refuses to publish a held upload when what it has changed is not what
// lies there: both changes would count, and one would be lost.
func (t *Transfer) stillBased(old fs.FileInfo) error {
	base := t.up.base
	if base == nil {
		return nil
	}
	if old == nil || vfs.FileIDOf(old) != vfs.FileIDOf(base) || old.Size() != base.Size() || !old.ModTime().Equal(base.ModTime()) {
		return refuse("upload", t.Name(), vfs.ErrBusy)
	}
	return nil
}

// inspect asks the hooks about the content of a held upload that is complete. It ends
// when the session does.
func (t *Transfer) inspect() {
	if t.up == nil || !t.up.held || t.failure() != nil || !t.up.touched.Load() {
		return
	}
	defer t.s.awake()()
	ctx := withOrigin(t.s.ctx, t.origin)
	verdict, err := t.verify(ctx)
	if err != nil {
		t.TransferError(err)
		return
	}
	t.up.verdict = verdict
}

// verify shows the hooks the content, with its checksum and where they can read it.
func (t *Transfer) verify(ctx context.Context) (actions.Verdict, error) {
	info, err := t.file.Stat()
	if err != nil {
		return actions.Verdict{}, err
	}
	size := info.Size()
	e := t.event(ctx, actions.UploadVerify)
	t.s.lookBehind(ctx, &e)
	e.Result.Size = size
	if !t.s.m.journal.hooks.Asks(&e) {
		return actions.Verdict{}, nil // it is small, and the hook wants large ones
	}
	sum, err := t.s.sha256Of(ctx, t.file, t.up.sum, size)
	if err != nil {
		return actions.Verdict{}, err
	}
	e.Transfer.Offset, e.Transfer.Length, e.Transfer.Checksums = size, &size, map[string]string{"sha256": sum}
	if st, ok := vfs.As[vfs.Stager](t.file); ok {
		e.Transfer.Staged = st.StagedPath()
	}
	return t.s.ask(ctx, "upload", &e)
}

// awake keeps the session from being idle while a hook takes its time.
func (s *Session) awake() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(housekeeping)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.Touch()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// closeUnwritten ends a held upload that nothing was written to: none at all.
func (t *Transfer) closeUnwritten(ctx context.Context) error {
	err := t.file.Close()
	t.s.m.journal.drop(ctx, t.up.intent)
	t.up.room.release()
	t.closeUntouched(ctx)
	return err
}

// moveAway is closeElsewhere without the time limit of the end of an upload: content is
// copied, however large. It ends with the session.
func (t *Transfer) moveAway(ctx context.Context) (published bool, err error) {
	ctx, cancel := t.s.within(context.WithoutCancel(ctx))
	defer cancel()
	return t.closeElsewhere(ctx)
}

// closeElsewhere publishes a held upload where the hook wants it. False: there is
// nothing more to publish, and the upload has failed.
func (t *Transfer) closeElsewhere(ctx context.Context) (published bool, err error) {
	verdict := t.up.verdict
	quarantine := verdict.Decision == actions.Quarantine
	name, err := t.destination(verdict)
	if err == nil && quarantine {
		err = t.s.makeQuarantine(ctx, path.Dir(name))
	}
	if err == nil {
		err = t.moveTo(ctx, name, quarantine)
	}
	switch {
	case err != nil && quarantine:
		// The client is refused all the same.
		t.s.log.Error("content for quarantine was lost", "virtual_path", t.Name(), "target", name, "error", err)
	case err == nil && !quarantine:
		t.rename(name)
		return true, nil
	case err == nil:
		t.s.log.Info("upload in quarantine", "virtual_path", t.Name(), "target", name)
	}
	if quarantine {
		err = refuse("upload", t.Name(), verdict.Denial)
	}
	t.TransferError(err)
	return false, err
}

// rename notes that the file is where a hook wanted it.
func (t *Transfer) rename(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.call(name)
}

// destination is the name that the hook wants for the content. One that ends in a
// slash is a directory in which the name is made of the id of the upload.
func (t *Transfer) destination(v actions.Verdict) (string, error) {
	to := v.Name
	if strings.HasSuffix(to, "/") {
		to += t.up.id
		if base := "." + path.Base(t.Name()); len(t.up.id)+len(base) <= vfs.MaxComponent {
			to += base
		}
	}
	return redirected(path.Dir(t.Name()), to)
}

// moveTo publishes the content of the upload under another name, which the client need
// not be allowed to see, and drops the upload. quiet: nobody is told.
func (t *Transfer) moveTo(ctx context.Context, name string, quiet bool) error {
	to, err := t.openElsewhere(ctx, name, quiet)
	if err != nil {
		return err
	}
	info, err := t.file.Stat()
	if err == nil {
		from := &Transfer{s: t.s, name: t.Name(), dir: Download, file: t.file} // t takes no pieces any more
		if err = copyWhole(ctx, from, to, info.Size()); err == nil {
			to.resemble(ctx, info)
		}
	}
	to.moved.Store(t.moved.Load())
	to.TransferError(err)
	to.up.quiet = quiet || err != nil // then the upload itself tells of it
	if cerr := to.Close(); cerr != nil {
		t.up.quiet = !to.up.quiet // it was told
		return cerr
	}
	if !quiet {
		_ = t.file.Close() // it was copied, nobody misses it
		t.s.m.journal.drop(ctx, t.up.intent)
	}
	return nil
}

// resemble gives the file the mode and the time that the client has set.
func (t *Transfer) resemble(ctx context.Context, info fs.FileInfo) {
	a, ok := vfs.As[vfs.FileAttrSetter](t.file)
	if !ok {
		return
	}
	mode, modified := info.Mode().Perm(), info.ModTime()
	if err := a.SetAttrs(ctx, vfs.Attrs{Mode: &mode, Mtime: &modified}); err != nil {
		t.s.log.Warn("cannot keep mode and time", "virtual_path", t.Name(), "error", err)
	}
}

// openElsewhere makes the file for moveTo. What was reserved for the upload goes along.
func (t *Transfer) openElsewhere(ctx context.Context, name string, quiet bool) (*Transfer, error) {
	s := t.s
	up := &upload{id: t.up.id, length: unknownLength, quiet: quiet, directed: true, room: t.up.room}
	info, err := s.lstat(ctx, name)
	switch {
	case errors.Is(err, vfs.ErrNotExist):
		up.excl = true
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, refuse("upload", name, vfs.ErrIsDir)
	case !info.Mode().IsRegular() || quiet || !s.reaches(dataprovider.PermOverwrite, name):
		return nil, refuse("upload", name, vfs.ErrExist)
	default:
		up.existed, up.old = true, info.Size()
	}
	if !quiet {
		up.source, up.describe = t.up.source, t.describeMoved(t.s.path(t.Name())) // a copy is one, wherever it ends
		// What was begun is told once, and ends once.
		up.announced, up.intent, t.up.intent = t.up.announced, t.up.intent, 0
		up.begun.Store(true)
	}
	t.up.room = &room{quota: up.room.quota}
	to := &Transfer{s: s, name: name, dir: Upload, start: t.start, up: up, origin: t.origin}
	if err := to.open(ctx, up.decide(uploadModeKeep, vfs.Write|vfs.Create|vfs.Truncate)); err != nil {
		s.m.journal.drop(ctx, up.intent) // that it failed is told without
		return nil, err
	}
	s.m.ledger.register(to)
	s.add(to)
	return to, nil
}

// describeMoved adds to the events of what was put elsewhere what those of the upload
// have, and has them come behind these.
func (t *Transfer) describeMoved(before string) func(e *actions.Event) {
	return func(e *actions.Event) {
		if t.up.describe != nil {
			t.up.describe(e)
		}
		e.Object.BeforePath = before
	}
}

// makeQuarantine makes a directory for what nobody shall see. A user may not have made
// a link of it, which would lead the content to where the user can.
func (s *Session) makeQuarantine(ctx context.Context, dir string) error {
	if err := s.mkdirs(ctx, dir); err != nil {
		return err
	}
	if s.behind(ctx, dir) != dir {
		return refuse("quarantine", dir, vfs.ErrPermission)
	}
	return nil
}

// mkdirs makes a directory and those above it, whatever the rules of the user.
func (s *Session) mkdirs(ctx context.Context, dir string) error {
	if _, err := s.fs.Stat(ctx, dir); err == nil || dir == "/" {
		return err
	}
	if err := s.mkdirs(ctx, path.Dir(dir)); err != nil {
		return err
	}
	if err := s.fs.Mkdir(ctx, dir); err != nil && !errors.Is(err, vfs.ErrExist) {
		return err
	}
	return nil
}
