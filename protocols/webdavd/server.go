// Package webdavd serves the files of a session over WebDAV (RFC 4918, classes
// 1 and 2). It translates requests into session calls and errors into status
// codes; permissions, quota and events are the session's. What
// golang.org/x/net/webdav cannot do is here, one method per file, and little of it
// remained (docs/decisions/webdav.md says why).
package webdavd

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/protocols"
	"sftpgo/protocols/certs"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
)

// The limits of one connection. A body has no time limit of its own: the session
// ends transfers that are idle.
const (
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	// answerTime is what a client has to hand over what is left of a request that
	// has been refused, and to take an answer.
	answerTime = 30 * time.Second
	// lastWords is what the answers of the last requests have to leave.
	lastWords = 2 * time.Second
)

// Server is the WebDAV front-end of one binding.
type Server struct {
	binding Binding
	prefix  string // of URLs; no slash at the end
	files   certs.Files
	tls     atomic.Pointer[tls.Config] // nil: clear text
	cors    web.Origins
	proxies web.Proxies
	pages   *pages

	auth  Logins
	pool  *web.Pool
	locks *Locks
	log   *slog.Logger

	answerTime time.Duration
	visitors   *web.Visitors

	running sync.RWMutex // held for reading by every request
	buffers sync.Pool    // of *[]byte, for uploads
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
		files:   cfg.files(b, dir),
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
		if err := s.secure(); err != nil {
			return nil, err
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
	if !s.binding.EnableHTTPS {
		return nil
	}
	return s.secure()
}

// Serve answers clients of l until ctx is done. Then it stops accepting, sends
// away who has not logged in, waits for the requests that run (the session manager
// ends them) and returns nil. It closes l and the sessions of the clients. A server
// serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if s.binding.EnableHTTPS {
		l = tls.NewListener(l, s.tlsConfig())
	}
	srv := s.httpServer()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("webdavd: %w", err)
	case <-ctx.Done():
		s.drain(ctx, srv)
		<-served
	}
	_ = srv.Close() // connections that do not end by themselves
	s.pool.Close()
	s.running.Lock() // waits for the requests, which end with their sessions
	defer s.running.Unlock()
	s.pool.Wait()
	return err
}

// drain waits for the requests that run.
func (s *Server) drain(ctx context.Context, srv *http.Server) {
	s.visitors.Dismiss()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		s.running.Lock()
		defer s.running.Unlock()
		time.AfterFunc(lastWords, cancel)
	})
	_ = srv.Shutdown(ctx) // what is left is cut afterwards
}

func (s *Server) httpServer() *http.Server {
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		Protocols:         plain,
		ConnContext:       s.visitors.Arrive,
		ConnState:         s.visitors.Depart,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
