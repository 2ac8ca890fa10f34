package webdavd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"sftpgo/vfs"
)

// The limits of locks.
const (
	// maxLockTime is the longest time a lock lasts without a refresh; a client that
	// asks for more, or for ever, gets this.
	maxLockTime = time.Hour
	// maxLocks is how many locks one user may hold.
	maxLocks = 1000
	// maxShared is how many shared locks may cover one name: every listing shows
	// all of them with each entry, to everybody.
	maxShared = 16
)

// errLocked: another lock is in the way. errLockLimit: the user, or the name, has
// as many locks as it may have.
var (
	errLocked    = errors.New("locked")
	errLockLimit = errors.New("too many locks")
)

// Locks are the write locks of all clients (RFC 4918 section 6), held in memory
// and keyed on the storage: users who see the same tree see each other's locks.
// It is safe for concurrent use.
type Locks struct {
	mu     sync.Mutex
	trees  map[string]map[string][]*lock // storage root → name → locks
	byUser map[string]int                // how many
	sweep  time.Time                     // when expired ones are next looked for
}

// NewLocks makes an empty table.
func NewLocks() *Locks {
	return &Locks{trees: map[string]map[string][]*lock{}, byUser: map[string]int{}}
}

// lock is one lock as granted.
type lock struct {
	token   string // a URI
	root    string // the name that was locked
	user    string // who made it; nobody else may use the token
	owner   string // XML that the client gave for others to read
	shared  bool
	deep    bool // depth infinity
	timeout time.Duration
	expires time.Time
}

// acquire grants l in a tree, or returns errLocked, with the lock that is in the
// way, or errLockLimit.
func (t *Locks) acquire(tree string, l lock) (lock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.expireLocked(now)
	inTheWay := t.coveringLocked(tree, l.root, now)
	if l.deep {
		inTheWay = append(inTheWay, t.membersLocked(tree, l.root, now)...)
	}
	for _, other := range inTheWay {
		if !l.shared || !other.shared {
			return other, errLocked
		}
	}
	if t.byUser[l.user] >= maxLocks || len(inTheWay) >= maxShared {
		return lock{}, errLockLimit
	}
	l.token = newToken()
	l.expires = now.Add(l.timeout)
	if t.trees[tree] == nil {
		t.trees[tree] = map[string][]*lock{}
	}
	t.trees[tree][l.root] = append(t.trees[tree][l.root], &l)
	t.byUser[l.user]++
	return l, nil
}

// newToken is a version 4 UUID as a URN (RFC 4918 section 6.5).
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// refresh gives the lock of a token, which must cover name and belong to user, a
// new life. ok is false if there is none.
func (t *Locks) refresh(tree, name, token, user string, timeout time.Duration) (l lock, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	p := t.findLocked(tree, name, token, now)
	if p == nil || p.user != user {
		return lock{}, false
	}
	p.timeout, p.expires = timeout, now.Add(timeout)
	return *p, true
}

// release ends the lock of a token that covers name. ok is false if there is
// none; a lock of somebody else is vfs.ErrPermission.
func (t *Locks) release(tree, name, token, user string) (ok bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.findLocked(tree, name, token, time.Now())
	if p == nil {
		return false, nil
	}
	if p.user != user {
		return true, fmt.Errorf("unlock %q: %w", name, vfs.ErrPermission)
	}
	t.removeLocked(tree, p.root, func(l *lock) bool { return l == p })
	return true, nil
}

// covering returns the locks that hold for name: its own and the deep ones above.
func (t *Locks) covering(tree, name string) []lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.coveringLocked(tree, name, time.Now())
}

// members returns the locks below name.
func (t *Locks) members(tree, name string) []lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.membersLocked(tree, name, time.Now())
}

// any reports whether there may be locks in a tree at all.
func (t *Locks) any(tree string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.trees[tree]) > 0
}

// drop ends all locks at and below a name that is no more.
func (t *Locks) drop(tree, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for root := range t.trees[tree] {
		if vfs.Within(name, root) {
			t.removeLocked(tree, root, func(*lock) bool { return true })
		}
	}
}

// dropMembers ends all locks below a collection that was replaced.
func (t *Locks) dropMembers(tree, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for root := range t.trees[tree] {
		if root != name && vfs.Within(name, root) {
			t.removeLocked(tree, root, func(*lock) bool { return true })
		}
	}
}

func (t *Locks) coveringLocked(tree, name string, now time.Time) []lock {
	at := t.trees[tree]
	if len(at) == 0 {
		return nil
	}
	var found []lock
	for n := name; ; n = path.Dir(n) {
		for _, l := range at[n] {
			if (n == name || l.deep) && now.Before(l.expires) {
				found = append(found, *l)
			}
		}
		if n == "/" {
			return found
		}
	}
}

func (t *Locks) membersLocked(tree, name string, now time.Time) []lock {
	var found []lock
	for root, ls := range t.trees[tree] {
		if root == name || !vfs.Within(name, root) {
			continue
		}
		for _, l := range ls {
			if now.Before(l.expires) {
				found = append(found, *l)
			}
		}
	}
	return found
}

func (t *Locks) findLocked(tree, name, token string, now time.Time) *lock {
	for root, ls := range t.trees[tree] {
		for _, l := range ls {
			if l.token == token && now.Before(l.expires) && (root == name || l.deep && vfs.Within(root, name)) {
				return l
			}
		}
	}
	return nil
}

// expireLocked forgets locks that have run out, at most once a minute: until
// then they only take room.
func (t *Locks) expireLocked(now time.Time) {
	if now.Before(t.sweep) {
		return
	}
	t.sweep = now.Add(time.Minute)
	for tree, at := range t.trees {
		for root := range at {
			t.removeLocked(tree, root, func(l *lock) bool { return !now.Before(l.expires) })
		}
	}
}

func (t *Locks) removeLocked(tree, root string, which func(*lock) bool) {
	at := t.trees[tree]
	kept := at[root][:0:0]
	for _, l := range at[root] {
		if !which(l) {
			kept = append(kept, l)
			continue
		}
		if t.byUser[l.user]--; t.byUser[l.user] == 0 {
			delete(t.byUser, l.user)
		}
	}
	if at[root] = kept; len(kept) == 0 {
		delete(at, root)
	}
	if len(at) == 0 {
		delete(t.trees, tree)
	}
}
