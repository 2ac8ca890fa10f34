package session

import "errors"

// The sentinels of this layer; storage adds those of vfs.
var (
	// ErrQuota: a quota or the size limit of a file stands in the way.
	ErrQuota = errors.New("quota exceeded")
	// ErrClosed: the server has ended the session.
	ErrClosed = errors.New("session closed")
	// ErrTooMany: the session has as many open files as it may have.
	ErrTooMany = errors.New("too many open files")
	// ErrSessions: the user, or the server, has as many sessions as it may have.
	ErrSessions = errors.New("too many sessions")
)
