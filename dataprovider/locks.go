package dataprovider

import (
	"context"
	"time"
)

// Lock is a write lock of WebDAV (RFC 4918 section 6) as it was granted.
type Lock struct {
	Token   string // a URI; no two locks have the same
	Path    string // of the resource, as Session.RealPath gives it
	Holder  string // name of the user, who alone may use the token
	Owner   string // element in XML that the client gave for others to read
	Shared  bool
	Deep    bool // of depth infinity
	Expires time.Time
}

// Locks is the table of locks that all who share the store go by. It knows
// nothing of what locks mean: a caller reads it, decides, and changes it on
// condition that nobody else has changed it meanwhile.
//
// The locks of a user end when the record of that name is deleted or added. Locks
// that have run out stay until somebody drops them.
type Locks interface {
	// Revision tells how often the table was changed, by anybody. It never goes
	// back, not even when the store is opened again.
	Revision(ctx context.Context) (Revision, error)
	// Load returns all locks, in no order, and the revision that they are of.
	Load(ctx context.Context) ([]Lock, Revision, error)
	// Change drops the locks of some tokens and stores others, in one step, if the
	// revision is still rev; it returns the new one. A lock whose token is known
	// takes the place of that one; a token to drop that is not known is no error.
	// A table that somebody else has changed is ErrConflict. Times are kept to the
	// microsecond.
	Change(ctx context.Context, rev Revision, put []Lock, drop []string) (Revision, error)
}
