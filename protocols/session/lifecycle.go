package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// unknownLength is that of an upload whose client has not said how long it will be.
const unknownLength = -1

// newTransferID returns a random UUID (RFC 9562, 5.4), which all events of an upload
// have.
func newTransferID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	to := text[:0]
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			to = append(to, '-')
		}
		to = hex.AppendEncode(to, []byte{c})
	}
	return string(to)
}

// event starts the record of something that happens to the transfer.
func (t *Transfer) event(ctx context.Context, kind actions.Kind) actions.Event {
	name, path := t.located()
	e := t.s.eventAt(ctx, kind, name, path)
	if t.up != nil {
		e.Transfer = t.up.details(t.start)
		if t.up.describe != nil {
			told := e // only then it is on the heap
			t.up.describe(&told)
			return told
		}
	}
	return e
}

// details is what events tell of an upload that began at start.
func (u *upload) details(start time.Time) *actions.Transfer {
	d := &actions.Transfer{
		ID: u.id, Created: start.UTC(), Overwrite: u.existed, PreviousSize: u.old, Resumed: u.existed && !u.cut,
	}
	if u.length >= 0 {
		d.Length = &u.length
	}
	return d
}

// ended completes the event of an upload: size is what is stored of it, err why it
// failed. One of which something was kept, and that the client can go on with, is a
// part.
func ended(e *actions.Event, size int64, err error) {
	e.Result.Size = size
	if err != nil {
		fail(e, err)
	}
	t := e.Transfer
	if t == nil || e.Session.Protocol == protocolHTTP {
		return // resumable uploads know better
	}
	t.Offset = size
	resumable := e.Session.Protocol == protocolSFTP || e.Session.Protocol == protocolFTP
	switch {
	case err == nil:
		t.Length = &size
	case size > 0 && resumable && !isSpaceLimit(err):
		e.Kind = actions.UploadPart
	}
}

// The protocols whose clients can go on where an upload broke off.
const (
	protocolSFTP = "SFTP"
	protocolFTP  = "FTP"
	protocolHTTP = "HTTP"
)

// announces reports whether somebody is to be told that the upload began.
func (t *Transfer) announces(ctx context.Context) bool {
	hooks := t.s.m.journal.hooks
	if t.up.quiet || !hooks.Wants(actions.UploadOpen) {
		return false
	}
	e := t.event(ctx, actions.UploadOpen)
	return len(hooks.Route(&e)) > 0
}

// began tells that the upload is open. Whoever hears of it hears of the end, too: an
// intention was stated.
func (t *Transfer) began(ctx context.Context) {
	if !t.up.announced || !t.up.begun.CompareAndSwap(false, true) {
		return
	}
	e := t.event(ctx, actions.UploadOpen)
	if !t.up.cut {
		e.Transfer.Offset = t.up.old
		e.Result.Size = t.up.old
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := t.s.m.journal.settle(ctx, 0, &e, "", noAmount, along{}); err != nil {
		t.s.log.Error("event of an upload waits for the data store", "error", err)
	}
}

// stateStaged states the intention of a staged upload whose beginning is told: if
// nothing comes of it, that is told too.
func (t *Transfer) stateStaged(ctx context.Context) error {
	if t.up.intent != 0 {
		return nil // it was stated before a hook wanted the upload elsewhere
	}
	if t.up.announced = t.announces(ctx); !t.up.announced {
		return nil
	}
	if t.s.m.journal.backlog() >= maxWaiting {
		return refuse("upload", t.name, vfs.ErrUnavailable) // its event could not be kept
	}
	var err error
	t.up.intent, err = t.s.m.journal.begin(ctx, &intent{
		Op: intentStaged, Name: t.name, Root: t.s.root, Event: t.event(ctx, actions.UploadFailed),
	})
	return err
}

// statePublish states that the upload is about to be published, in the place of what
// was stated at its beginning.
func (t *Transfer) statePublish(ctx context.Context, in *intent) (int64, error) {
	if t.up.intent == 0 {
		return t.s.m.journal.begin(ctx, in)
	}
	return t.up.intent, t.s.m.journal.amend(ctx, t.up.intent, in)
}

// copyEvent is what is told of a copy of one file that has succeeded; nil if nobody
// wants to know.
func (t *Transfer) copyEvent(ctx context.Context, size int64) *actions.Event {
	if t.up.source == "" || !t.s.m.journal.hooks.Wants(actions.CopyDone) {
		return nil
	}
	e := t.s.event(ctx, actions.CopyDone, t.up.source)
	e.Object.Target = t.Name()
	e.Object.TargetPath = t.s.path(e.Object.Target)
	e.Result.Size = size
	e.Result.Elapsed = time.Since(t.start)
	return &e
}

// copyTold is a copy that is told beside its upload.
type copyTold struct {
	id    int64
	event *actions.Event
}

// stateCopy states that a copy that is an upload, too, is there when the file id of
// size bytes is.
func (t *Transfer) stateCopy(ctx context.Context, id string, size int64) (c copyTold, err error) {
	if t.up.quiet {
		return c, nil // the copy is all that is told
	}
	if c.event = t.copyEvent(ctx, size); c.event == nil {
		return c, nil
	}
	c.id, err = t.s.m.journal.begin(ctx, &intent{
		Op: intentCopy, Name: t.linkless(ctx, t.Name()), Root: t.s.root, FileID: id, Size: size, Event: *c.event,
	})
	return c, err
}

// settle tells of the copy, or of nothing if it failed after all.
func (c copyTold) settle(ctx context.Context, t *Transfer, failed bool) {
	if c.event == nil {
		return
	}
	if failed {
		t.s.m.journal.drop(ctx, c.id)
		return
	}
	if t.up.line.decides() {
		t.up.copied = c // there is a copy only if the upload stands
		return
	}
	if err := t.s.m.journal.settle(ctx, c.id, c.event, "", noAmount, along{line: &t.up.line}); err != nil {
		t.s.log.Error("event of a copy waits for the data store", "error", err)
	}
}

// journaled reports whether the upload needs an intention.
func (t *Transfer) journaled(owner string) bool {
	hooks := t.s.m.journal.hooks
	switch {
	case owner != "" || t.up.announced:
		return true
	case t.up.quiet:
		return t.up.source != "" && hooks.Wants(actions.CopyDone)
	}
	return hooks.Wants(actions.UploadDone) || hooks.Wants(actions.UploadFailed) || hooks.Wants(actions.UploadPart)
}
