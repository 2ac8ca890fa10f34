package webdavd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// The limits of locks.
const (
	// maxLockTime is the longest time a lock lasts without a refresh; a client that
	// asks for more, or for ever, gets this.
	maxLockTime = time.Hour
	// maxLocks is how many locks one user may hold.
	maxLocks = 1000
	// maxAllLocks is how many there may be: they are kept in memory, too.
	maxAllLocks = 10_000
	// maxShared is how many shared locks may cover one name: every listing shows
	// all of them with each entry, to everybody.
	maxShared = 16
	// lockCacheTime is how old what is known of the table may be when it is only
	// shown. Whoever is about to change something asks for the revision.
	lockCacheTime = time.Second
	// maxLockTries is how often a change is tried again because another process has
	// changed the table meanwhile.
	maxLockTries = 32
)

// The answers to a LOCK that is not granted: the user, a name or all of them have
// as many locks as they may have.
var (
	errUserLocks = errors.New("the user holds as many locks as one may")
	errNameLocks = errors.New("as many shared locks as there may be cover the name")
	errAllLocks  = errors.New("there are as many locks as the server keeps")
)

// lockedError says which lock is in the way of another.
type lockedError struct{ by dataprovider.Lock }

func (e *lockedError) Error() string { return "locked" }

// Locks are the write locks of all clients (RFC 4918 section 6), keyed on the real
// path of the resource: users who reach it in different ways see the same locks.
// They are kept in the data provider; here is a copy, so that reading asks nobody.
// It is safe for concurrent use.
type Locks struct {
	table dataprovider.Locks
	log   *slog.Logger

	changing sync.Mutex // held by who changes the table, or reads all of it

	mu      sync.RWMutex
	index   lockIndex
	rev     dataprovider.Revision
	known   bool      // index is of rev
	checked time.Time // when rev was last compared
	kept    map[string]int

	publishing publishing
}

var _ session.Observer = (*Locks)(nil)

// NewLocks keeps locks in a table. To end locks with their resources it must
// observe the session manager.
func NewLocks(table dataprovider.Locks, log *slog.Logger) *Locks {
	return &Locks{
		table: table, log: log.With("sender", "webdavd"),
		index: newLockIndex(), kept: map[string]int{},
	}
}

// follow makes sure that the copy is not older than maxAge.
func (t *Locks) follow(ctx context.Context, maxAge time.Duration) error {
	t.mu.RLock()
	rev, known, checked := t.rev, t.known, t.checked
	t.mu.RUnlock()
	now := time.Now()
	if known && now.Sub(checked) < maxAge {
		return nil
	}
	if known {
		newest, err := t.table.Revision(ctx)
		if err != nil {
			return err
		}
		if newest == rev {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.checked.Before(now) && t.rev == rev {
				t.checked = now
			}
			return nil
		}
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	return t.load(ctx)
}

// load reads the table if it has changed. The caller holds t.changing.
func (t *Locks) load(ctx context.Context) error {
	now := time.Now()
	if t.known {
		if newest, err := t.table.Revision(ctx); err != nil || newest == t.rev {
			return err
		}
	}
	all, rev, err := t.table.Load(ctx)
	if err != nil {
		return err
	}
	index := newLockIndex()
	index.fill(all)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.index, t.rev, t.known, t.checked = index, rev, true, now
	return nil
}

// change lets decide say what becomes of the table, on what it is at that moment,
// without locks that have run out. An error of decide changes nothing.
func (t *Locks) change(ctx context.Context,
	decide func(ix *lockIndex) (put []dataprovider.Lock, drop []string, err error),
) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	for range maxLockTries {
		err := t.load(ctx)
		if err == nil {
			err = t.sweep(ctx)
		}
		if err == nil {
			// Nobody else writes to the index while t.changing is held.
			var put []dataprovider.Lock
			var drop []string
			if put, drop, err = decide(&t.index); err == nil {
				err = t.store(ctx, put, drop)
			}
		}
		if !errors.Is(err, dataprovider.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%w: others change the locks all the time", dataprovider.ErrUnavailable)
}

// sweep forgets the locks that have run out. The caller holds t.changing.
func (t *Locks) sweep(ctx context.Context) error {
	now := time.Now()
	if len(t.index.sorted) == 0 || now.Before(t.index.next) {
		return nil
	}
	if err := t.store(ctx, nil, t.index.expired(now)); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.index.schedule()
	return nil
}

// store changes the table, then the copy. The caller holds t.changing.
func (t *Locks) store(ctx context.Context, put []dataprovider.Lock, drop []string) error {
	if len(put)+len(drop) == 0 {
		return nil
	}
	rev, err := t.table.Change(ctx, t.rev, put, drop)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range drop {
		t.index.drop(token)
	}
	for _, l := range put {
		t.index.put(l)
	}
	t.rev = rev
	return nil
}

// acquire grants l for a time. A lock in the way is a *lockedError; there may also
// be too many (errUserLocks, errNameLocks, errAllLocks).
func (t *Locks) acquire(ctx context.Context, l dataprovider.Lock, lifetime time.Duration) (dataprovider.Lock, error) {
	l.Token = newToken()
	err := t.change(ctx, func(ix *lockIndex) ([]dataprovider.Lock, []string, error) {
		now := time.Now()
		covering := ix.covering(l.Path, now)
		inTheWay := covering
		if l.Deep {
			inTheWay = append(inTheWay, ix.members(l.Path, now)...)
		}
		for _, other := range inTheWay {
			if !l.Shared || !other.Shared {
				return nil, nil, &lockedError{other}
			}
		}
		switch {
		case ix.held[l.Holder] >= maxLocks:
			return nil, nil, errUserLocks
		case ix.crowded(l, now):
			return nil, nil, errNameLocks
		case len(ix.byToken) >= maxAllLocks:
			return nil, nil, errAllLocks
		}
		l.Expires = now.Add(lifetime)
		return []dataprovider.Lock{l}, nil, nil
	})
	if err == nil {
		t.publishing.wait(ctx, l)
	}
	return l, err
}

// newToken is a version 4 UUID as a URN (RFC 4918 section 6.5).
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// refresh gives those locks of holder that have one of the tokens and cover a path
// a new life, and returns them.
func (t *Locks) refresh(ctx context.Context, path string, tokens map[string]bool, holder string, lifetime time.Duration,
) (held []dataprovider.Lock, err error) {
	err = t.change(ctx, func(ix *lockIndex) ([]dataprovider.Lock, []string, error) {
		held = nil
		now := time.Now()
		for _, l := range ix.covering(path, now) {
			if tokens[l.Token] && l.Holder == holder {
				l.Expires = now.Add(lifetime)
				held = append(held, l)
			}
		}
		return held, nil, nil
	})
	return held, err
}

// release ends the lock of a token that covers a path. ok is false if there is
// none; a lock of somebody else is vfs.ErrPermission.
func (t *Locks) release(ctx context.Context, path, token, holder string) (ok bool, err error) {
	err = t.change(ctx, func(ix *lockIndex) ([]dataprovider.Lock, []string, error) {
		ok = false
		for _, l := range ix.covering(path, time.Now()) {
			if l.Token != token {
				continue
			}
			if l.Holder != holder {
				return nil, nil, fmt.Errorf("unlock: %w", vfs.ErrPermission)
			}
			ok = true
			return nil, []string{token}, nil
		}
		return nil, nil, nil
	})
	return ok, err
}

// covering returns the locks that hold for a path: its own and the deep ones
// above.
func (t *Locks) covering(path string) []dataprovider.Lock {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.index.covering(path, time.Now())
}

// members returns the locks below a path.
func (t *Locks) members(path string) []dataprovider.Lock {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.index.members(path, time.Now())
}

// any reports whether there may be locks at all.
func (t *Locks) any() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.index.byToken) > 0
}

// keep has the locks of a path itself survive its removal, for somebody who puts
// something else in its place, until release is called.
func (t *Locks) keep(path string) (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept[path]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.kept[path]--; t.kept[path] == 0 {
			delete(t.kept, path)
		}
	}
}

// Removed ends the locks at and below a path.
func (t *Locks) Removed(ctx context.Context, path string) {
	// Mostly there are none, and then it must cost nothing. One that another
	// process granted a moment ago ends by itself.
	err := t.follow(ctx, lockCacheTime)
	if err == nil && t.touches(path) {
		err = t.change(ctx, func(ix *lockIndex) ([]dataprovider.Lock, []string, error) {
			return nil, t.ending(ix, path), nil
		})
	}
	if err != nil {
		t.log.Warn("locks of what was removed stay until they run out", "path", path, "error", err.Error())
	}
}

// Renamed ends the locks at and below a path: they do not move (RFC 4918 section
// 7.5). Those of the path that something was renamed to stay.
func (t *Locks) Renamed(ctx context.Context, from, _ string) { t.Removed(ctx, from) }

func (t *Locks) touches(path string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.index.touches(path)
}

// ending are the tokens that end with what is at a path.
func (t *Locks) ending(ix *lockIndex, path string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var tokens []string
	for l := range ix.within(path) {
		if l.Path != path || t.kept[path] == 0 {
			tokens = append(tokens, l.Token)
		}
	}
	return tokens
}
