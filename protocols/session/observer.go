package session

import (
	"context"
	"path"

	"sftpgo/vfs"
)

// Observer hears of names that come to an end, whatever the protocol, after the
// storage was changed and before the client has its answer. Paths are those of
// Session.RealPath; what lay below a directory went with it. It must be quick and
// safe for concurrent use. What a program that a session runs does to files, and
// what other programs of the host do, nobody hears of.
type Observer interface {
	Removed(ctx context.Context, path string)
	Renamed(ctx context.Context, from, to string)
}

// Observe adds an observer. It is called before the first session is opened.
func (m *Manager) Observe(o Observer) { m.observers = append(m.observers, o) }

// homeOf identifies the root of the storage of a session among all storage.
func homeOf(kind string, fs vfs.FS) string {
	if r, ok := vfs.As[vfs.Rooted](fs); ok {
		return path.Join("/", kind, r.Root())
	}
	if l, ok := vfs.As[vfs.Locator](fs); ok {
		return path.Join("/", kind, l.StoragePath("/"))
	}
	return path.Join("/", kind)
}

// RealPath identifies what name leads to among all that the server stores: names
// of several users have one path when they lead to one object, and that of a
// member is within (vfs.Within) that of its directory. Nothing needs to be there.
// When ctx is done links are not followed. It is for records about files and never goes to a client.
func (s *Session) RealPath(ctx context.Context, name string) string {
	return path.Join(s.home, s.resolved(ctx, name))
}

// realEntry is RealPath of the entry itself: a link in the last component is not
// followed.
func (s *Session) realEntry(ctx context.Context, name string) string {
	return path.Join(s.home, s.resolved(ctx, path.Dir(name)), path.Base(name))
}

// resolved is behind for records: what cannot be looked at is taken as it is named.
func (s *Session) resolved(ctx context.Context, name string) string {
	if real := s.behind(ctx, name); real != "" {
		return real
	}
	return name
}

// VirtualName is the name that a path of RealPath has for this user; "/" for one
// above the user's root. ok is false when the user does not see it.
func (s *Session) VirtualName(real string) (name string, ok bool) {
	switch {
	case vfs.Within(s.home, real):
		return path.Join("/", real[min(len(s.home), len(real)):]), true
	case vfs.Within(real, s.home):
		return "/", true
	}
	return "", false
}

// removed tells the observers.
func (s *Session) removed(ctx context.Context, name string) {
	if len(s.m.observers) == 0 {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	at := s.realEntry(ctx, name)
	for _, o := range s.m.observers {
		o.Removed(ctx, at)
	}
}

// renamed tells the observers.
func (s *Session) renamed(ctx context.Context, oldname, newname string) {
	if len(s.m.observers) == 0 {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	from, to := s.realEntry(ctx, oldname), s.realEntry(ctx, newname)
	for _, o := range s.m.observers {
		o.Renamed(ctx, from, to)
	}
}
