package session

import (
	"time"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
)

// event starts the record of something that happens to name.
func (s *Session) event(kind actions.Kind, name string) actions.Event {
	return actions.Event{
		ID:   ulid.Make().String(),
		Kind: kind,
		Time: time.Now().UTC(),
		Session: actions.Session{
			ID:       s.peer.ID,
			User:     s.user.Username,
			Protocol: s.peer.Protocol,
			RemoteIP: s.peer.Remote.String(),
		},
		Object: actions.Object{
			Name:     name,
			Path:     s.path(name),
			Provider: s.user.Filesystem.Provider,
		},
		Result: actions.Result{Status: actions.StatusOK},
	}
}

// fail puts the reason of a failure into the result.
func fail(e *actions.Event, err error) {
	e.Result.Status = actions.StatusError
	if isSpaceLimit(err) {
		e.Result.Status = actions.StatusQuota
	}
	e.Result.Error = err.Error()
}

// owner is whose usage changes; empty when nothing is counted for the user.
func (s *Session) owner() string {
	if s.m.counts(&s.user) {
		return s.user.Username
	}
	return ""
}

// lock orders the changes of one or two names, for accounting.
func (s *Session) lock(names ...string) *pages {
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = s.path(n)
	}
	return s.m.ledger.lock(paths...)
}
