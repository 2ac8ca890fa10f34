package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// uploadModeKeep is the upload mode that keeps what arrived of a failed upload.
const uploadModeKeep = 2

func isSpaceLimit(err error) bool { return errors.Is(err, ErrQuota) }

// closeUpload ends an upload under the lock of its path, so that accounts and
// storage agree.
func (t *Transfer) closeUpload(ctx context.Context) error {
	pg := t.s.lock(t.name)
	defer func() {
		pg.unlock()
		t.up.settled(ctx)
	}()
	if t.up.staged {
		return t.closeStaged(ctx, pg)
	}
	return t.closeInPlace(ctx, pg)
}

// settled swaps the reservation for the usage that the store now has.
func (u *upload) settled(ctx context.Context) {
	if u.quota == nil {
		return
	}
	_ = u.quota.refresh(ctx) // an old figure is corrected at the next upload
	u.releaseAll()
}

// closeStaged publishes what was staged, or drops it and leaves the old file.
func (t *Transfer) closeStaged(ctx context.Context, pg *pages) error {
	err := t.failure()
	var id, size int64
	var delta dataprovider.Amount
	e := t.s.event(kindOf(err), t.name)
	if t.keep(err) {
		plan, perr := t.publish(ctx, pg, e, err)
		id, size, delta = plan.id, plan.size, plan.delta
		if perr != nil {
			t.TransferError(perr)
			err = t.failure()
			e.Kind = actions.UploadFailed
		}
	}
	if cerr := t.file.Close(); cerr != nil && err == nil {
		t.s.log.Warn("close after publishing", "virtual_path", t.name, "error", cerr)
	}
	t.finish(&e, size, err)
	if serr := t.s.m.journal.settle(ctx, id, e, t.s.owner(), delta); serr != nil && err == nil {
		err = serr
	}
	return err
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
	return t.s.m.cfg.UploadMode == uploadModeKeep && !isSpaceLimit(err) && t.moved.Load() > 0
}

type published struct {
	id    int64
	size  int64
	delta dataprovider.Amount
}

// publish states the intention and makes the staged content the file. cause is
// why the upload failed, if it did and is kept all the same.
func (t *Transfer) publish(ctx context.Context, pg *pages, e actions.Event, cause error) (published, error) {
	info, err := t.file.Stat()
	if err != nil {
		return published{}, err
	}
	path := e.Object.Path
	var now dataprovider.Amount
	if old, err := t.s.fs.Stat(ctx, t.name); err == nil {
		now = amountOf(old)
	} else if !errors.Is(err, vfs.ErrNotExist) {
		return published{}, err
	}
	after := amountOf(info)
	delta := minus(after, pg.before(path, now))

	var id int64
	owner := t.s.owner()
	if t.s.m.journal.wanted(e.Kind, owner != "") {
		e.Result.Size = after.Bytes
		if cause != nil {
			fail(&e, cause)
		}
		id, err = t.s.m.journal.begin(ctx, intent{
			Op: intentPublish, Name: t.name, FileID: vfs.FileIDOf(info),
			Delta: delta, Count: owner != "", Event: e,
		})
		if err != nil {
			return published{}, err
		}
	}
	if err := t.file.Commit(ctx); err != nil {
		t.s.m.journal.drop(ctx, id)
		return published{}, err
	}
	pg.book(path, after)
	return published{id, after.Bytes, delta}, nil
}

// closeInPlace ends an upload that was visible all the time.
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
	if cerr := t.file.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("close %q: %w", t.name, cerr)
	}
	if isSpaceLimit(err) {
		t.removePartial(ctx)
	}
	e := t.s.event(kindOf(err), t.name)
	after, delta := t.bookInPlace(ctx, pg, e.Object.Path)
	if err == nil && !t.up.touched.Load() {
		t.s.m.journal.drop(ctx, t.up.intent)
		t.closeUntouched(ctx)
		return nil
	}
	t.finish(&e, after.Bytes, err)
	if serr := t.s.m.journal.settle(ctx, t.up.intent, e, t.s.owner(), delta); serr != nil && err == nil {
		err = serr
	}
	return err
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
	e := t.s.event(actions.DownloadDone, t.name)
	t.finish(&e, sent, nil)
	if err := t.s.m.journal.settle(ctx, 0, e, "", noAmount); err != nil {
		t.s.log.Error("event of a download waits for the data store", "error", err)
	}
}

func (t *Transfer) bookInPlace(ctx context.Context, pg *pages, path string) (after, delta dataprovider.Amount) {
	if info, err := t.s.fs.Stat(ctx, t.name); err == nil {
		after = amountOf(info)
	}
	delta = minus(after, pg.before(path, after))
	pg.book(path, after)
	pg.leave(path)
	return after, delta
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
		t.s.log.Warn("cut back after quota error", "virtual_path", t.name, "error", err)
	}
}

// removePartial removes what an upload over quota left under the final name.
func (t *Transfer) removePartial(ctx context.Context) {
	if !t.up.cut || t.up.link {
		return
	}
	if err := t.s.fs.Remove(ctx, t.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.s.log.Warn("remove after quota error", "virtual_path", t.name, "error", err)
	}
}
