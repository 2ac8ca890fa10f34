// Package session is the only gate between clients and files. A Session is one
// authenticated client; every operation of it checks the name and the
// permission, asks the hooks, keeps the quota, changes the storage and records
// the event. Front-ends translate their protocol into these calls and decide
// nothing.
//
// # The life of a change
//
// Whatever changes what is stored runs in the order: intention in the outbox
// (Begin), change of the storage, event and usage in one transaction (Settle).
// A crash in between leaves the intention; Manager.Recover looks at the storage
// and settles or drops it. An upload that is staged states its intention when it
// is published; one that writes in place, before it opens the file.
package session

import (
	"context"
	"log/slog"
	"net/netip"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// maxOpen is how many transfers one session may have open. OpenSSH's client
// uses one, sshfs a few hundred.
const maxOpen = 1024

// Peer is the other end of a session.
type Peer struct {
	Protocol string // SFTP, SCP, SSH, FTP or DAV, as events name it
	ID       string // of the connection, unique in the process, for logs and hooks
	Remote   netip.Addr
	Method   string // login method
	// Shared tells that several connections use the session, as those of a client of
	// HTTP do. What one of them uploads is nothing that another looks at.
	Shared bool
	// Disconnect ends the connection; the session calls it when it is idle for too
	// long, the account is closed or the server stops. It must not block and may
	// be nil.
	Disconnect func()
}

// Session is one authenticated client. It is safe for concurrent use. Its
// methods take any name a client may send, absolute or relative to "/", and
// return errors that wrap the sentinels of this package, of vfs and of actions.
type Session struct {
	m       *Manager
	user    dataprovider.User // as of the login
	peer    Peer
	log     *slog.Logger
	account *account
	fs      vfs.FS
	root    string // identity of the storage
	top     string // path("/")
	remote  string // the address of the client
	home    string // RealPath of "/"
	uniform bool   // one rule for the whole tree: links cannot lead around it

	ctx    context.Context
	cancel context.CancelCauseFunc
	active atomic.Int64 // Unix nanoseconds of the last sign of life
	parked atomic.Bool

	mu        sync.Mutex
	closed    bool
	ended     chan struct{} // closed when the first Close has returned
	opening   int           // transfers whose file is being opened
	transfers map[*Transfer]struct{}
	last      time.Time // end of the latest transfer
}

// ID is the id of the connection.
func (s *Session) ID() string { return s.peer.ID }

// User is the account as it was at the login.
func (s *Session) User() dataprovider.User { return s.user }

// Peer is the other end.
func (s *Session) Peer() Peer { return s.peer }

// Log has the attributes of the session.
func (s *Session) Log() *slog.Logger { return s.log }

// Context ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Touch tells that the client gave a sign of life that is no operation.
func (s *Session) Touch() { s.active.Store(time.Now().UnixNano()) }

// StorageRoot identifies the tree that the session sees; users who share a home
// share it.
func (s *Session) StorageRoot() string { return s.top }

// Close ends the session. Transfers that are still open fail with ErrClosed. When
// it returns their outcomes are recorded, whoever called it first.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.ended
		return nil
	}
	s.closed = true
	defer close(s.ended)
	open := make([]*Transfer, 0, len(s.transfers))
	for t := range s.transfers {
		open = append(open, t)
	}
	s.mu.Unlock()

	s.cancel(ErrClosed)
	for _, t := range open {
		t.TransferError(ErrClosed)
		_ = t.Close() // logged there
	}
	err := s.fs.Close()
	s.m.remove(s)
	return err
}

// disconnect ends the session from the server's side.
func (s *Session) disconnect(reason string) {
	s.log.Info("session ended by the server: " + reason)
	if s.peer.Disconnect != nil {
		s.peer.Disconnect()
	}
	_ = s.Close() // the storage of a session that goes has nothing more to say
}

// path tells where a name is in the storage, for hooks and logs.
func (s *Session) path(name string) string {
	if l, ok := vfs.As[vfs.Locator](s.fs); ok {
		return l.StoragePath(name)
	}
	return name
}

// allowed checks a permission that is looked up on the parent of name. Where links
// lead to a directory with rules of its own, those must agree: a link is no way
// around them.
func (s *Session) allowed(perm, name string) bool {
	return s.allows(perm, path.Dir(name))
}

// allows checks a permission on a directory, or on what is looked up as if it were
// one.
func (s *Session) allows(perm, dir string) bool {
	return s.user.Allows(perm, dir) && (s.uniform || s.user.Allows(perm, s.behind(s.ctx, dir)))
}

// reaches is allowed for operations that follow a link in the last component, and
// applies the file filters to both names.
func (s *Session) reaches(perm, name string) bool {
	return s.allowed(perm, name) && (s.uniform || s.user.Allows(perm, path.Dir(s.behind(s.ctx, name))))
}

// fileAllowed applies the file filters to a name and to what links make of it.
func (s *Session) fileAllowed(name string) bool {
	if !s.user.FileAllowed(name) {
		return false
	}
	return s.uniform || s.user.FileAllowed(path.Join(s.behind(s.ctx, path.Dir(name)), path.Base(name)))
}

// contentAllowed is fileAllowed for operations that follow a link in the last
// component.
func (s *Session) contentAllowed(name string) bool {
	return s.fileAllowed(name) && (s.uniform || s.user.FileAllowed(s.behind(s.ctx, name)))
}

// reserve makes sure that one more transfer may be open. The caller calls release
// when it has been added, or when nothing came of it.
func (s *Session) reserve() (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if len(s.transfers)+s.opening >= maxOpen {
		return nil, ErrTooMany
	}
	s.opening++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opening--
	}, nil
}

// add registers a transfer whose file is open. A session that was closed
// meanwhile ends it.
func (s *Session) add(t *Transfer) {
	s.mu.Lock()
	s.transfers[t] = struct{}{}
	closed := s.closed
	s.mu.Unlock()
	if closed {
		t.TransferError(ErrClosed)
		_ = t.Close() // logged there
	}
}

func (s *Session) drop(t *Transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.transfers, t)
	s.last = time.Now()
}

// upload finds the open upload that a client who uses name means: one of its own
// connection.
func (s *Session) upload(name string) *Transfer {
	if s.peer.Shared {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.transfers {
		if t.up != nil && t.Name() == name {
			return t
		}
	}
	return nil
}

// answering is how long a transfer counts after its end: the front-end has yet to
// tell the client.
const answering = 500 * time.Millisecond

// busy reports whether a transfer runs, or has just ended.
func (s *Session) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.transfers)+s.opening > 0 || time.Since(s.last) < answering
}
