package session

import (
	"context"
	"io/fs"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// inLine is the event for which an operation waits when it has been recorded; empty:
// none.
type inLine struct{ awaited actions.Awaited }

// expect is called before e is recorded.
func (l *inLine) expect(hooks actions.Dispatcher, e *actions.Event) {
	if in, ok := hooks.(actions.Inliner); ok && l != nil && l.awaited == nil {
		l.awaited = in.Expect(e)
	}
}

// forget is called when the event was not recorded.
func (l *inLine) forget() {
	if l != nil && l.awaited != nil {
		l.awaited.Forget()
		l.awaited = nil
	}
}

// decides reports whether the operation fails when the hook does.
func (l *inLine) decides() bool { return l.awaited != nil && l.awaited.Decides() }

// await waits until the hook has got the event, or refused to. Nobody else may have to
// wait for a lock meanwhile. What the session has waited for when it ends happens
// without it, but for what decides.
func (s *Session) await(ctx context.Context, l *inLine) error {
	if l.awaited == nil {
		return nil
	}
	defer s.awake()()
	ctx = context.WithoutCancel(ctx)
	if !l.decides() {
		var cancel context.CancelFunc
		ctx, cancel = s.within(ctx)
		defer cancel()
	}
	return l.awaited.Wait(ctx)
}

// linger is await for what does not decide.
func (s *Session) linger(ctx context.Context, l *inLine) { _ = s.await(ctx, l) }

// landed is what an upload has become.
type landed struct {
	name string
	info fs.FileInfo
}

// land notes what the upload has become, if it may have to be taken back. Its place is
// locked.
func (t *Transfer) land(ctx context.Context) {
	if !t.up.line.decides() {
		return
	}
	name := t.written(ctx)
	info, err := t.s.lstat(ctx, name)
	if err != nil {
		t.s.log.Warn("an upload cannot be taken back if its hook fails", "virtual_path", name, "error", err)
		return
	}
	t.up.landed = &landed{name, info}
}

// endInLine waits for the hooks that the upload waits for. If they fail, so does the
// upload, and what it has become is taken back.
func (t *Transfer) endInLine(ctx context.Context, err error) error {
	if t.up.line.awaited == nil && t.up.copied.event == nil {
		return err
	}
	line, copied := t.up.line, t.up.copied
	t.up.line, t.up.copied = inLine{}, copyTold{}
	herr := t.s.await(ctx, &line)
	ctx, cancel := detached(ctx) // it may have taken long
	defer cancel()
	if err == nil && herr != nil {
		err = refuse("upload", t.Name(), herr)
		t.up.withdrawn = true
		if t.up.landed != nil {
			if terr := t.s.takeBack(ctx, t.up.landed); terr != nil {
				t.s.log.Error("an upload whose hook has failed cannot be removed", "virtual_path", t.up.landed.name, "error", terr)
			}
		}
	}
	if copied.event != nil {
		copied.settle(ctx, t, err != nil)
		t.s.linger(ctx, &t.up.line)
	}
	return err
}

// takeBack removes what an upload has become, and tells nobody. What somebody else has
// put there or changed meanwhile stays.
func (s *Session) takeBack(ctx context.Context, l *landed) error {
	pg, spots, err := s.lockFiles(ctx, l.name)
	if err != nil {
		return err
	}
	defer pg.unlock()
	info := spots[0].info
	if info == nil || !sameContent(info, l.info) || s.m.ledger.written(info) != nil {
		s.log.Info("an upload whose hook has failed has gone or was changed", "virtual_path", l.name)
		return nil
	}
	r := removal{name: l.name, spot: spots[0], quiet: true, event: s.event(ctx, actions.DeleteDone, l.name)}
	return s.unlink(ctx, pg, r, func() error { return nil })
}

// sameContent reports whether two looks at a file show one that was not changed in
// between, as far as the storage knows.
func sameContent(a, b fs.FileInfo) bool {
	return vfs.FileIDOf(a) == vfs.FileIDOf(b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// withdrawn ends a complete upload that was taken back when its hook failed: nothing is
// left that could be continued. pledged was reserved for it until it was published.
func (u *Resumable) withdrawn(ctx context.Context, pledged dataprovider.Amount) error {
	u.rec.State, u.rec.FileID, u.rec.Reserved = dataprovider.UploadGone, "", noAmount
	u.rec.Expires = time.Now().Add(max(u.rs.policy.Remember, time.Hour)).UTC()
	if !u.stored {
		return u.rs.store.Add(ctx, u.rec)
	}
	err := u.s.account.quota.giveBack(noAmount, func() error { return u.rs.store.Save(ctx, u.rec) })
	if err != nil {
		u.s.account.quota.restore(pledged) // as the record has it
	}
	return err
}
