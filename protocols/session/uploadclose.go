package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// uploadModeKeep is the upload mode that keeps what arrived of a failed upload.
const uploadModeKeep = 2

// uploadModeAtomic is the one that publishes complete uploads only.
const uploadModeAtomic = 1

func isSpaceLimit(err error) bool { return errors.Is(err, ErrQuota) }

// closeUpload ends an upload, and waits for the hooks that it waits for.
func (t *Transfer) closeUpload(ctx context.Context) error {
	return t.endInLine(ctx, t.endUpload(ctx))
}

// endUpload ends an upload under the lock of its place, so that accounts and storage
// agree.
func (t *Transfer) endUpload(ctx context.Context) error {
	l := t.s.m.ledger
	defer l.forget(t)
	switch {
	case t.up.held && t.failure() == nil && !t.up.touched.Load():
		return t.closeUnwritten(ctx)
	case t.up.verdict.Decision == actions.Rename || t.up.verdict.Decision == actions.Quarantine:
		if moved, err := t.moveAway(ctx); moved {
			return err
		}
		var cancel context.CancelFunc
		ctx, cancel = detached(ctx) // copying may have taken long
		defer cancel()
	}
	if t.up.staged {
		pg, old, err := t.lockStaged(ctx)
		defer pg.unlock()
		return t.closeStaged(ctx, pg, old, err)
	}
	pg := l.pass(t.s.top, func() *pages { return l.lockOpen(t.up.object) })
	defer pg.unlock()
	return t.closeInPlace(ctx, pg)
}

// lockStaged locks the place of a staged upload and returns what publishing would
// replace; nil is nothing. The pages are locked even if it fails.
func (t *Transfer) lockStaged(ctx context.Context) (*pages, fs.FileInfo, error) {
	l := t.s.m.ledger
	keys := []string{t.up.place}
	for tries := 0; ; tries++ {
		pg := l.pass(t.s.top, func() *pages { return l.lock(slices.Clone(keys)...) })
		old, err := t.replaces(ctx)
		key := l.fileKey(t.up.place, old)
		switch {
		case err != nil || key == "" || pg.has([]string{key}):
			return pg, old, err
		case tries == maxMoves:
			return pg, nil, refuse("upload", t.Name(), vfs.ErrBusy)
		}
		pg.unlock()
		keys = []string{t.up.place, key}
	}
}

// closeStaged publishes what was staged, or drops it and leaves the old file, of
// which oerr says that it cannot be looked at.
func (t *Transfer) closeStaged(ctx context.Context, pg *pages, old fs.FileInfo, oerr error) error {
	err := t.failure()
	e := t.event(ctx, kindOf(err))
	p := published{id: t.up.intent}
	if t.keep(err) {
		perr := oerr
		if perr == nil {
			perr = t.stillBased(old)
		}
		if perr == nil && t.up.accept != nil {
			perr = t.up.accept(ctx, old)
		}
		if perr == nil {
			p, perr = t.publish(ctx, pg, old, e, err)
		}
		if perr != nil {
			t.TransferError(perr)
			err = t.failure()
			e.Kind = actions.UploadFailed
		}
	}
	if cerr := t.file.Close(); cerr != nil && err == nil {
		t.s.log.Warn("close after publishing", "virtual_path", e.Object.Name, "error", cerr)
	}
	tell := t.finish(&e, p.size, err)
	if tell == nil && err == nil {
		tell = t.copyEvent(ctx, p.size)
	}
	serr := t.s.settle(ctx, p.id, tell, p.delta, t.up.room, along{p.amended, p.properties, &t.up.line})
	t.land(ctx)
	p.copy.settle(ctx, t, err != nil)
	if err == nil {
		err = serr
	}
	return err
}

// Accept has Close publish a staged upload only if check takes what that would
// replace, nil being nothing; nobody else replaces it meanwhile. An error of check
// is why the upload failed. It is called before Close, and has no effect on a write
// in place, which has replaced everything already. The context of check outlives the
// session: what is kept of an upload is checked also when the session was ended.
func (t *Transfer) Accept(check func(ctx context.Context, old fs.FileInfo) error) {
	if t.up != nil {
		t.up.accept = check
	}
}

func kindOf(err error) actions.Kind {
	if err != nil {
		return actions.UploadFailed
	}
	return actions.UploadDone
}

// keep decides whether what was staged becomes the file.
func (t *Transfer) keep(err error) bool {
	if err == nil {
		return true
	}
	return t.s.m.cfg.UploadMode == uploadModeKeep && !t.up.quiet && !t.up.held && !isSpaceLimit(err) && t.moved.Load() > 0
}

type published struct {
	id      int64
	size    int64
	delta   dataprovider.Amount
	amended []dataprovider.Pending

	properties []dataprovider.PropertyMove
	copy       copyTold
}

// replaces looks at what publishing would replace; nil is nothing.
func (t *Transfer) replaces(ctx context.Context) (info fs.FileInfo, err error) {
	if r, ok := vfs.As[vfs.Replacer](t.file); ok {
		info, err = r.Replaces()
	} else {
		info, err = t.s.fs.Stat(ctx, t.Name())
	}
	if errors.Is(err, vfs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// publish states the intention and makes the staged content the file, in the place
// of old. cause is why the upload failed, if it did and is kept all the same.
func (t *Transfer) publish(ctx context.Context, pg *pages, old fs.FileInfo, e actions.Event, cause error) (p published, err error) {
	p.id = t.up.intent
	info, err := t.file.Stat()
	if err != nil {
		return p, err
	}
	after := amountOf(info)
	before, _ := pg.found(t.up.place, old)
	delta := minus(after, before)
	if err := t.up.room.cover(delta); err != nil {
		return p, refuse("upload", e.Object.Name, err)
	}
	p.properties = t.copied(ctx)
	name, quiet := e.Object.Name, t.up.quiet
	if c := t.copyEvent(ctx, after.Bytes); c != nil && quiet {
		e, quiet = *c, false
	} else {
		ended(&e, after.Bytes, cause)
	}
	if owner := t.s.owner(); t.journaled(owner) || p.properties != nil {
		p.id, err = t.statePublish(ctx, &intent{
			Op: intentPublish, Name: t.linkless(ctx, name), Root: t.s.root, FileID: vfs.FileIDOf(info),
			Delta: delta, Count: owner != "", Event: e, Quiet: quiet,
			Properties: p.properties,
		})
		if err != nil {
			return published{id: t.up.intent}, err
		}
	}
	if cause == nil {
		if p.copy, err = t.stateCopy(ctx, vfs.FileIDOf(info), after.Bytes); err != nil {
			t.withdraw(ctx, p)
			return published{id: t.up.intent}, err
		}
	}
	if old == nil {
		t.s.forget(ctx, t.written(ctx))
	}
	if err := t.file.Commit(ctx); err != nil {
		t.withdraw(ctx, p)
		return published{id: t.up.intent}, err
	}
	p.size, p.delta = after.Bytes, delta
	p.amended = pg.replaced(t.up.place, t.s.path(name), old)
	pg.book(t.up.place, after)
	return p, nil
}

// withdraw takes back what was stated for an upload that could not be published. What
// was stated at its beginning stays until its end is told.
func (t *Transfer) withdraw(ctx context.Context, p published) {
	if p.id != t.up.intent {
		t.s.m.journal.drop(ctx, p.id)
	}
	p.copy.settle(ctx, t, true)
}

// closeInPlace ends an upload that was visible all the time. The last writer of
// the file books what all of them did.
func (t *Transfer) closeInPlace(ctx context.Context, pg *pages) error {
	err := t.failure()
	if err == nil {
		if cerr := t.file.Commit(ctx); cerr != nil {
			err = cerr
		}
	}
	if isSpaceLimit(err) {
		t.cutBack(ctx)
	}
	last := t.s.m.ledger.leave(t)
	info, serr := t.file.Stat()
	if err == nil {
		err = serr
	}
	if cerr := t.file.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("close %q: %w", t.Name(), cerr)
	}
	var after dataprovider.Amount
	switch {
	case serr != nil: // what is counted stays
		after = t.up.object.counted
	case (isSpaceLimit(err) || err != nil && t.up.quiet) && t.removePartial(ctx, pg, info):
		pg.detach(t.up.object)
		after = minus(amountOf(info), leaving(info)) // it may have other names
	case !vfs.Unlinked(info):
		after = amountOf(info)
		pg.bookOpen(t.up.object, leaving(info))
	}
	e := t.event(ctx, kindOf(err))
	untouched := err == nil && !t.up.touched.Load()
	var tell *actions.Event
	if !untouched {
		tell = t.finish(&e, after.Bytes, err)
	}
	var told copyTold
	if err == nil {
		if tell == nil {
			tell = t.copyEvent(ctx, after.Bytes)
		}
		told, err = t.stateCopy(ctx, vfs.FileIDOf(info), after.Bytes)
	}
	if serr := t.bookInPlace(ctx, pg, tell, after, last); serr != nil && err == nil {
		err = serr
	}
	t.land(ctx)
	told.settle(ctx, t, false)
	if untouched {
		t.closeUntouched(ctx)
	}
	return err
}

// bookInPlace settles one writer. e is nil when nobody is to be told.
func (t *Transfer) bookInPlace(ctx context.Context, pg *pages, e *actions.Event, after dataprovider.Amount, last bool) error {
	var properties []dataprovider.PropertyMove
	if t.failure() == nil {
		properties = t.copied(ctx)
	}
	if !last {
		return t.s.settle(ctx, t.up.intent, e, noAmount, nil, along{properties: properties, line: &t.up.line})
	}
	o := t.up.object
	pg.retire(o)
	return t.s.settle(ctx, t.up.intent, e, minus(after, o.counted), o.room, along{properties: properties, line: &t.up.line})
}

// closeUntouched ends what was opened for reading and writing and never written:
// no upload, and a download if anything was read.
func (t *Transfer) closeUntouched(ctx context.Context) {
	sent := t.up.sent.Load()
	if sent == 0 {
		return
	}
	t.dir = Download
	t.moved.Store(sent)
	e := t.s.event(ctx, actions.DownloadDone, t.Name())
	t.finish(&e, sent, nil)
	if err := t.s.settle(ctx, 0, &e, noAmount, nil, along{line: &t.up.line}); err != nil {
		t.s.log.Error("event of a download waits for the data store", "error", err)
	}
}

// cutBack gives a file that was there before its old size again, after a resume
// or a change in place ran into the quota.
func (t *Transfer) cutBack(ctx context.Context) {
	if t.up.cut && !t.up.link {
		return
	}
	size := t.up.old
	if t.up.cut {
		size = 0
	}
	a, ok := vfs.As[vfs.FileAttrSetter](t.file)
	if !ok {
		return
	}
	if err := a.SetAttrs(ctx, vfs.Attrs{Size: &size}); err != nil {
		t.s.log.Warn("cut back after quota error", "virtual_path", t.Name(), "error", err)
	}
}

// removePartial removes what an upload over quota left under the final name, and
// nothing that took the name meanwhile. It reports whether it did. info is the
// file that was written.
func (t *Transfer) removePartial(ctx context.Context, pg *pages, info fs.FileInfo) bool {
	if !t.up.cut || t.up.link {
		return false
	}
	name := t.Name()
	// Somebody else may have opened the file under another name, which is what is
	// locked then.
	if place, err := t.s.place(ctx, name); err != nil || !pg.has([]string{place}) {
		return false
	}
	there, err := t.s.lstat(ctx, name)
	if err != nil || vfs.FileIDOf(there) != vfs.FileIDOf(info) {
		return false
	}
	if err := t.s.fs.Remove(ctx, name); err != nil {
		t.s.log.Warn("remove after quota error", "virtual_path", name, "error", err)
		return false
	}
	t.s.removed(ctx, name)
	t.s.forget(ctx, name)
	return true
}
