package webdavd

import (
	"errors"
	"net/http"
	"net/netip"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
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

// attempt is the login that a request carries.
func attempt(r *http.Request, remote netip.Addr) (a auth.Attempt, ok bool) {
	user, password, ok := r.BasicAuth()
	return auth.Attempt{
		Protocol:   dataprovider.ProtocolDAV,
		Remote:     remote,
		User:       user,
		Credential: auth.Password(password),
	}, ok
}

// login authenticates one request. What was wrong stays in the log.
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

// remoteAddr is the address of the peer of the connection. Headers of proxies
// are not looked at: anyone could send them.
func remoteAddr(r *http.Request) netip.Addr { return peerOf(r.RemoteAddr) }

func peerOf(address string) netip.Addr {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
