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

// login authenticates one request. What was wrong stays in the log.
func (s *Server) login(r *http.Request, remote netip.Addr) (auth.Identity, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return auth.Identity{}, unauthorized(nil)
	}
	id, err := s.auth.Authenticate(r.Context(), auth.Attempt{
		Protocol:   dataprovider.ProtocolDAV,
		Remote:     remote,
		User:       user,
		Credential: auth.Password(password),
	})
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
func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
