package tus

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"sftpgo/protocols"
	"sftpgo/protocols/certs"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
)

// Server is the front-end of one binding of a server with users.
type Server struct {
	host   web.Host
	secure *web.Secure // nil: clear text
}

var _ protocols.Server = (*Server)(nil)

// New makes the server of binding b. Relative file names of cfg are taken from dir,
// the configuration directory.
func New(cfg Config, b Binding, dir string, authn Authenticator, sessions *session.Manager,
	uploads *session.Resumables, log *slog.Logger,
) (*Server, error) {
	via, err := web.NewProxies(b.ProxyAllowed, b.ClientIPProxyHeader, b.ClientIPHeaderDepth)
	if err != nil {
		return nil, fmt.Errorf("tus: %w", err)
	}
	s := &Server{}
	if b.EnableHTTPS {
		if s.secure, err = web.NewSecure(cfg.files(b, dir), b.MinTLSVersion, b.TLSCipherSuites, b.ClientAuthType); err != nil {
			return nil, fmt.Errorf("tus: %w", err)
		}
	}
	clients := NewLogins(authn, sessions, s.secure)
	h := NewHandler(cfg.protocol(b), clients, uploads, via, cfg.cors(), log)
	if _, unknown := certs.Suites(b.TLSCipherSuites); len(unknown) > 0 {
		h.log.Warn("tls_cipher_suites: unknown or unsafe, left out", "suites", fmt.Sprint(unknown))
	}
	if b.ClientIPProxyHeader != "" && via.None() {
		h.log.Warn("client_ip_proxy_header has no effect: proxy_allowed names no proxy")
	}
	h.cors.Warn(h.log)
	s.host = web.Host{Name: "tus", Handler: h, Visitors: web.NewVisitors(via), Pool: clients.pool, Secure: s.secure, Log: h.log}
	return s, nil
}

// Reload reads the certificates and revocation lists again. The old ones stay in use
// if the new ones have a fault.
func (s *Server) Reload() error {
	if s.secure == nil {
		return nil
	}
	if err := s.secure.Reload(); err != nil {
		return fmt.Errorf("tus: %w", err)
	}
	return nil
}

// Serve answers clients of l until ctx is done, see web.Host. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return s.host.Serve(ctx, l) }
