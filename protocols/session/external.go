package session

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// ExternalUse is what a program of this host is to work on.
type ExternalUse struct {
	Command string // as events name it
	Writes  bool
	Targets []ExternalTarget
}

// ExternalTarget is one name that the client gave to the program.
type ExternalTarget struct {
	Name   string
	Follow bool // a link as the last component stands for what it leads to
}

// ExternalTree is a directory that the program may use with all that is below.
type ExternalTree struct {
	Name string   // virtual, without links
	Dir  *os.File // of this host; closed by External.Close
}

// External is a program of this host that works on files of the session. What it
// does is not seen here, so the rules are applied to whole trees before it starts,
// and the usage is corrected by counting when it has ended. It is safe for
// concurrent use.
type External struct {
	s      *Session
	use    ExternalUse
	trees  []ExternalTree
	names  []string
	up     *rate.Limiter
	down   *rate.Limiter
	ctx    context.Context
	cancel context.CancelCauseFunc
	room   *room // for what the client sends
	guard  sync.WaitGroup
	free   func() // gives back what only exists while it runs

	// Of a program that writes for a user whose usage is counted.
	storage vfs.FS // the session may be closed before the program has ended
	watched *watched
	intent  int64
}

// External makes sure that a program may work on the targets. The user must have
// the permissions list, download, upload, create_dirs, overwrite and delete on the
// tree of each, and wherever there are rules of its own below; there may be no
// file filters in, above or below it. vfs.ErrUnsupported is the answer for storage
// that is not a plain directory of this host. The caller calls Close when the
// program and all that it started have ended.
func (s *Session) External(ctx context.Context, use ExternalUse) (x *External, err error) {
	raw := ""
	if len(use.Targets) > 0 {
		raw = use.Targets[0].Name
	}
	err = s.do(use.Command, raw, func(string) error {
		x, err = s.openExternal(ctx, use)
		return err
	})
	return x, err
}

func (s *Session) openExternal(ctx context.Context, use ExternalUse) (_ *External, err error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	host, ok := vfs.As[vfs.Hosted](s.fs)
	if !ok {
		return nil, refuse(use.Command, "/", vfs.ErrUnsupported)
	}
	release, err := s.reserve()
	if err != nil {
		return nil, refuse(use.Command, "/", err)
	}
	x := &External{
		s: s, use: use, room: &room{}, free: release,
		up: s.limiterFor(Upload), down: s.limiterFor(Download),
	}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { x.cancel(ErrClosed) })
	x.free = func() { stop(); release() }
	defer func() {
		if err != nil {
			x.release()
		}
	}()
	none := func() error { return nil } // openTrees applies the rules
	if err := s.steady(none, func() error { return x.openTrees(ctx, host) }); err != nil {
		return nil, err
	}
	if !use.Writes {
		return x, nil
	}
	if err := x.checkQuota(ctx); err != nil {
		return nil, err
	}
	if err := x.begin(ctx); err != nil {
		return nil, err
	}
	if x.room.quota != nil && x.watched != nil {
		x.guard.Go(x.guardQuota)
	}
	return x, nil
}

// release undoes openExternal, and ends what Close has settled.
func (x *External) release() {
	x.cancel(ErrClosed)
	x.guard.Wait()
	x.room.release()
	for _, t := range x.trees {
		_ = t.Dir.Close() // only read
	}
	if x.storage != nil {
		_ = x.storage.Close() // only read
	}
	x.free()
}

// Trees are what the program may use, none within another.
func (x *External) Trees() []ExternalTree { return x.trees }

// Names are the targets, in their order, without links on the way.
func (x *External) Names() []string { return x.names }

// Context ends when the program must: with the context that External was called
// with, with the session, and with the cause ErrQuota when there is no more room.
func (x *External) Context() context.Context { return x.ctx }

// Writes reports whether the program may change what it uses.
func (x *External) Writes() bool { return x.use.Writes }

// MaxFileSize is what no file of the program may exceed, in bytes; 0 is no limit.
func (x *External) MaxFileSize() int64 {
	limit := x.s.user.Filters.MaxUploadFileSize
	if x.room.quota != nil {
		if most := x.room.quota.maxBytes.Load(); most > 0 && (limit == 0 || most < limit) {
			limit = most
		}
	}
	return limit
}

// Received accounts for n bytes from the client before the program gets them, and
// waits as the bandwidth of the user wants it. After ErrQuota the context has
// ended.
func (x *External) Received(n int) error {
	x.s.Touch()
	if err := x.take(int64(n)); err != nil {
		return err
	}
	return x.pass(x.up, n)
}

// take reserves room for n bytes.
func (x *External) take(n int64) error {
	if x.room.quota == nil {
		return nil
	}
	x.room.mu.Lock()
	defer x.room.mu.Unlock()
	if x.ctx.Err() != nil { // Close gives back what was taken before, and only that
		return context.Cause(x.ctx)
	}
	more := dataprovider.Amount{Bytes: n}
	if err := x.room.quota.reserve(more); err != nil {
		x.cancel(err)
		return err
	}
	x.room.reserved = x.room.reserved.Add(more)
	return nil
}

// Sent is the same for n bytes to the client.
func (x *External) Sent(n int) error {
	x.s.Touch()
	return x.pass(x.down, n)
}

func (x *External) pass(l *rate.Limiter, n int) error {
	if err := throttle(x.ctx, l, n); err != nil {
		return context.Cause(x.ctx)
	}
	x.s.Touch()
	return nil
}

// checkQuota refuses when nothing may be added.
func (x *External) checkQuota(ctx context.Context) error {
	q := x.s.account.quota
	if !q.limited() {
		return nil
	}
	if err := q.refresh(ctx); err != nil {
		return err
	}
	one := dataprovider.Amount{Files: 1}
	if err := q.reserve(one); err != nil || q.full() {
		if err == nil {
			q.release(one)
		}
		return fmt.Errorf("%w for user %q", ErrQuota, x.s.user.Username)
	}
	q.release(one)
	x.room.quota = q
	return nil
}

// begin counts what is there, if the usage of the user is kept, and states the
// intention: after a crash the home is counted anew.
func (x *External) begin(ctx context.Context) (err error) {
	s := x.s
	owner := s.owner()
	if !s.m.journal.wanted(actions.SSHCommand, owner != "") {
		return nil
	}
	e := s.event(ctx, actions.SSHCommand, x.names[0])
	e.Object.SSHCommand = x.use.Command
	in := &intent{Op: intentExternal, Name: x.names[0], Root: s.root, Count: owner != "", Event: e}
	if owner != "" {
		if x.storage, err = s.m.openStorage(ctx, &s.user, toInspect); err != nil {
			return err
		}
		w := s.m.ledger.watch(s.top)
		defer w.gate.Unlock()
		if !w.known {
			before, err := s.m.ledger.count(ctx, x.storage, w.root)
			if err != nil {
				s.m.ledger.unwatch(w)
				return err
			}
			s.m.ledger.mu.Lock()
			w.counted, w.known = before, true
			s.m.ledger.mu.Unlock()
		}
		x.watched = w
	}
	if x.intent, err = s.m.journal.begin(ctx, in); err != nil && x.watched != nil {
		s.m.ledger.unwatch(x.watched)
	}
	return err
}

// Close books what the program did. It does not end with the session; ctx has the
// values only. The count of a large home takes its time.
func (x *External) Close(ctx context.Context) error {
	x.cancel(ErrClosed)
	x.guard.Wait()
	defer x.release()
	ctx = context.WithoutCancel(ctx)
	if x.watched == nil {
		x.s.m.journal.drop(ctx, x.intent)
		return nil
	}
	err := x.book(ctx)
	if err != nil {
		// The intention stays: the next start counts the home.
		err = fmt.Errorf("count after %s: %w", x.use.Command, err)
	}
	return err
}

// book makes the count of the home the usage.
func (x *External) book(ctx context.Context) error {
	l, w, q := x.s.m.ledger, x.watched, x.s.account.quota
	defer l.unwatch(w)
	w.gate.Lock()
	defer w.gate.Unlock()
	now, err := l.count(ctx, x.storage, w.root)
	if err != nil {
		return err
	}
	l.mu.Lock()
	delta := minus(now, w.counted)
	w.counted = now
	l.mu.Unlock()
	settle, cancel := detached(ctx)
	defer cancel()
	q.begin()
	err = x.s.m.journal.settle(settle, x.intent, nil, x.s.owner(), delta, along{})
	q.end(delta, x.room.take())
	return err
}

// guarding is how often a home is counted while a program writes in it: what is
// unpacked or copied on the server takes room that the client did not send.
const (
	guarding      = 100 * time.Millisecond
	guardingShare = 10 // of the time, at most one in so many is spent counting
)

// guardQuota ends the program when what it has written passes the quota.
func (x *External) guardQuota() {
	pause := guarding
	for {
		select {
		case <-x.ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		if err := x.look(); err != nil {
			x.cancel(err)
			return
		}
		pause = max(guarding, guardingShare*time.Since(began))
	}
}

// look compares what is there with the limits. What cannot be counted now is
// counted later. A count beside uploads may be wrong, so it is not the last word.
func (x *External) look() error {
	if x.within() {
		return nil
	}
	x.watched.gate.Lock()
	defer x.watched.gate.Unlock()
	if x.within() {
		return nil
	}
	return ErrQuota
}

func (x *External) within() bool {
	l, w, q := x.s.m.ledger, x.watched, x.room.quota
	now, err := l.count(x.ctx, x.storage, w.root)
	if err != nil {
		return true
	}
	l.mu.Lock()
	grown := minus(now, w.counted)
	l.mu.Unlock()
	maxFiles, maxBytes := q.maxFiles.Load(), q.maxBytes.Load()
	q.mu.Lock()
	defer q.mu.Unlock()
	sum := q.used.Add(grown)
	return (maxFiles == 0 || sum.Files <= maxFiles) && (maxBytes == 0 || sum.Bytes <= maxBytes)
}
