package webdavd

import (
	"errors"
	"net/http"
	"net/netip"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/web"
)

// challenge asks for a login. The realm is what saved passwords of clients hang
// on.
const challenge = `Basic realm="SFTPGo WebDAV", charset="UTF-8"`

// Logins is what the server needs of authentication: the verdict, and a note when
// a client is turned away after it.
type Logins interface {
	auth.Authenticator
	auth.Recorder
}

// attempt is the login that a request carries: a password, a client certificate,
// which names its user, or both.
func attempt(r *http.Request, remote netip.Addr) (a auth.Attempt, ok bool) {
	a = auth.Attempt{Protocol: dataprovider.ProtocolDAV, Remote: remote, CommonName: web.CommonName(r)}
	if user, password, ok := r.BasicAuth(); ok {
		a.User, a.Credential = user, auth.Password(password)
		return a, true
	}
	a.User, a.Credential = a.CommonName, auth.Certificate{}
	return a, a.CommonName != ""
}

// loggedIn notes a login by certificate, once for each session. Those with a
// password have been noted.
func (s *Server) loggedIn(r *http.Request, l *web.Lease, id auth.Identity) {
	a, _ := attempt(r, l.Session().Peer().Remote)
	if _, alone := a.Credential.(auth.Certificate); alone && l.First() {
		s.auth.LoggedIn(r.Context(), a, id)
	}
}

// login authenticates one request. What was wrong stays in the log. A certificate
// that does not suffice is no failed login: clients send their password when they
// are asked for it. The record of the request has the reason.
func (s *Server) login(r *http.Request, remote netip.Addr) (auth.Identity, error) {
	a, ok := attempt(r, remote)
	if !ok {
		return auth.Identity{}, unauthorized(nil)
	}
	id, err := s.auth.Authenticate(r.Context(), a)
	if errors.Is(err, auth.ErrRejected) {
		return auth.Identity{}, unauthorized(err)
	}
	return id, err
}

func unauthorized(cause error) error {
	return &refusal{status: http.StatusUnauthorized, text: "login required", cause: cause}
}
