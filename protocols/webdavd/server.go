// Package webdavd serves the files of a session over WebDAV (RFC 4918, classes
// 1 and 2). It translates requests into session calls and errors into status
// codes; permissions, quota and events are the session's. What
// golang.org/x/net/webdav cannot do is here, one method per file, and little of it
// remained (docs/decisions/webdav.md says why).
package webdavd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"sftpgo/protocols"
	"sftpgo/protocols/certs"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
)

// answerTime is what a client has to hand over what is left of a request that has
// been refused, and to take an answer.
const answerTime = 30 * time.Second

// Server is the WebDAV front-end of one binding.
type Server struct {
	binding Binding
	prefix  string      // of URLs; no slash at the end
	secure  *web.Secure // nil: clear text
	cors    web.Origins
	proxies web.Proxies
	pages   *pages

	auth  Logins
	pool  *web.Pool
	locks *Locks
	log   *slog.Logger

	answerTime time.Duration
	visitors   *web.Visitors
	buffers    sync.Pool // of *[]byte, for uploads
}

var _ protocols.Server = (*Server)(nil)

// New makes the server of binding b. Relative file names of cfg are taken from
// dir, the configuration directory. The locks are shared by all bindings, so that
// clients of one see the locks made through another.
func New(cfg Config, b Binding, dir string, authn Logins, sessions *session.Manager,
	locks *Locks, log *slog.Logger,
) (*Server, error) {
	via, err := web.NewProxies(b.ProxyAllowed, b.ClientIPProxyHeader, b.ClientIPHeaderDepth)
	if err != nil {
		return nil, fmt.Errorf("webdavd: %w", err)
	}
	s := &Server{
		binding: b,
		prefix:  strings.TrimSuffix(b.Prefix, "/"),
		cors:    web.NewOrigins(cfg.CORS),
		proxies: via,
		pages:   newPages(),

		auth:  authn,
		pool:  web.NewPool(sessions, protocols.DAV),
		locks: locks,
		log:   log.With("sender", "webdavd"),

		answerTime: answerTime,
		visitors:   web.NewVisitors(via),
	}
	s.warn()
	if b.EnableHTTPS {
		if s.secure, err = web.NewSecure(cfg.files(b, dir), b.MinTLSVersion, b.TLSCipherSuites, b.ClientAuthType); err != nil {
			return nil, fmt.Errorf("webdavd: %w", err)
		}
	}
	return s, nil
}

// warn tells of settings that do not do what they seem to.
func (s *Server) warn() {
	if _, unknown := certs.Suites(s.binding.TLSCipherSuites); len(unknown) > 0 {
		s.log.Warn("tls_cipher_suites: unknown or unsafe, left out", "suites", fmt.Sprint(unknown))
	}
	if s.binding.ClientIPProxyHeader != "" && s.proxies.None() {
		s.log.Warn("client_ip_proxy_header has no effect: proxy_allowed names no proxy")
	}
	s.cors.Warn(s.log)
}

// Reload reads the certificates and revocation lists again. The old ones stay in
// use if the new ones have a fault.
func (s *Server) Reload() error {
	if s.secure == nil {
		return nil
	}
	if err := s.secure.Reload(); err != nil {
		return fmt.Errorf("webdavd: %w", err)
	}
	return nil
}

// Serve answers clients of l until ctx is done, see web.Host. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := web.Host{Name: "webdavd", Handler: s, Visitors: s.visitors, Pool: s.pool, Secure: s.secure, Log: s.log}
	return h.Serve(ctx, l)
}
