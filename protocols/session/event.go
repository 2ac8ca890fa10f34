package session

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// event starts the record of something that happens to name.
func (s *Session) event(ctx context.Context, kind actions.Kind, name string) actions.Event {
	return s.eventAt(ctx, kind, name, s.path(name))
}

// eventAt is event for who knows where name is in the storage.
func (s *Session) eventAt(ctx context.Context, kind actions.Kind, name, path string) actions.Event {
	return actions.Event{
		ID:   ulid.Make().String(),
		Kind: kind,
		Time: time.Now().UTC(),
		Session: actions.Session{
			ID:       s.peer.ID,
			User:     s.user.Username,
			Protocol: s.peer.Protocol,
			RemoteIP: s.remoteIP(),
		},
		Object: actions.Object{
			Name:     name,
			Path:     path,
			Provider: s.user.Filesystem.Provider,
		},
		Result:  actions.Result{Status: actions.StatusOK},
		Request: s.m.journal.told(originOf(ctx)),
	}
}

// remoteIP is empty where the address of the client is not known.
func (s *Session) remoteIP() string {
	if !s.peer.Remote.IsValid() {
		return ""
	}
	return s.remote
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

// settle records the outcome of an operation of this session: the event, if e is
// not nil, and what it adds to the usage. r is the room that was taken for it.
func (s *Session) settle(ctx context.Context, id int64, e *actions.Event, delta dataprovider.Amount, r *room,
	with along,
) error {
	q := s.account.quota
	if r != nil && r.quota != nil {
		q = r.quota
	}
	q.begin()
	err := s.m.journal.settle(ctx, id, e, s.owner(), delta, with)
	var reserved dataprovider.Amount
	if r != nil {
		reserved = r.take()
	}
	q.end(delta, reserved)
	s.m.ledger.booked(s.top, e, delta)
	return err
}
