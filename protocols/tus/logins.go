package tus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
)

// Authenticator is what Logins needs: the verdict, and a note when a client is turned
// away after it.
type Authenticator interface {
	auth.Authenticator
	auth.Recorder
}

// Logins are the clients of a server with users: each request has the password of
// one (Basic authentication), a client certificate that names one, or both.
type Logins struct {
	auth   Authenticator
	pool   *web.Pool
	secure *web.Secure // nil: clear text
}

var _ Clients = (*Logins)(nil)

// NewLogins makes the clients of one listener.
func NewLogins(a Authenticator, sessions *session.Manager, secure *web.Secure) *Logins {
	return &Logins{auth: a, pool: web.NewPool(sessions, protocols.HTTP), secure: secure}
}

// Enter implements Clients.
func (l *Logins) Enter(r *http.Request, remote netip.Addr) (*session.Session, func(), error) {
	if err := l.secure.StillTrusted(r); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrLogin, err)
	}
	a, ok := attempt(r, remote)
	if !ok {
		return nil, nil, ErrLogin
	}
	id, err := l.auth.Authenticate(r.Context(), a)
	if errors.Is(err, auth.ErrRejected) {
		return nil, nil, fmt.Errorf("%w: %w", ErrLogin, err)
	}
	if err != nil {
		return nil, nil, err
	}
	lease, err := l.pool.Acquire(context.WithoutCancel(r.Context()), id, remote)
	if errors.Is(err, session.ErrSessions) {
		l.auth.LoginFailed(r.Context(), a, err)
	}
	if err != nil {
		return nil, nil, err
	}
	if _, alone := a.Credential.(auth.Certificate); alone && lease.First() {
		l.auth.LoggedIn(r.Context(), a, id)
	}
	return lease.Session(), func() { l.pool.Release(lease) }, nil
}

// attempt is the login that a request carries.
func attempt(r *http.Request, remote netip.Addr) (a auth.Attempt, ok bool) {
	a = auth.Attempt{Protocol: dataprovider.ProtocolHTTP, Remote: remote, CommonName: web.CommonName(r)}
	if user, password, ok := r.BasicAuth(); ok {
		a.User, a.Credential = user, auth.Password(password)
		return a, true
	}
	a.User, a.Credential = a.CommonName, auth.Certificate{}
	return a, a.CommonName != ""
}
