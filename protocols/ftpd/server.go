// Package ftpd answers FTP and FTPS clients. It translates between ftpserverlib
// and the session layer, and has no rules of its own about files.
//
// Each client gets a library server of its own, over a listener that yields one
// connection. So everything that the library asks its main driver is asked about
// one known client: TLS, passive listeners and limits can belong to it. Between
// the library and the network stands control, which reads whole command lines
// and writes whole reply lines; there the gaps of the library are closed: TLS on
// request, ports that must not be dialled, the reply codes that a driver cannot
// choose, and the commands that the library does not have: docs/decisions/ftp.md
// says how.
package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/certs"
	"sftpgo/protocols/session"
	"sftpgo/protocols/waiting"
)

// The limits of clients that have not logged in.
const (
	maxWaiting           = 1024
	maxWaitingPerAddress = 256
	loginTime            = 2 * time.Minute
)

// The values of Binding.TLSMode.
const (
	tlsOptional = 0
	tlsRequired = 1
	tlsImplicit = 2
)

// Logins checks credentials and takes note of how logins end.
type Logins interface {
	auth.Authenticator
	auth.Recorder
}

// Server is the FTP server of one binding.
type Server struct {
	cfg      Config
	dir      string
	binding  Binding
	index    int
	logins   Logins
	sessions *session.Manager
	version  string
	banner   string
	log      *slog.Logger
	tls      atomic.Pointer[tls.Config]

	waiting *waiting.Room
	counter atomic.Uint32
	running sync.WaitGroup // one per client, and what ends clients

	mu      sync.Mutex
	clients map[*client]struct{}
}

var _ protocols.Server = (*Server)(nil)

// New makes the server of cfg.Bindings[binding]. It reads the certificates, or
// makes one, and the banner file, relative to configDir, so that a fault in them is
// found before anything listens. version is shown in the greeting and in STAT.
func New(cfg Config, binding int, logins Logins, sessions *session.Manager,
	version, configDir string, log *slog.Logger,
) (*Server, error) {
	if binding < 0 || binding >= len(cfg.Bindings) {
		return nil, fmt.Errorf("ftp: there is no binding %d", binding)
	}
	s := &Server{
		cfg: cfg, dir: configDir, binding: cfg.Bindings[binding], index: binding,
		logins: logins, sessions: sessions, version: version,
		log:     log.With("sender", "ftpd"),
		waiting: waiting.NewRoom(maxWaiting, maxWaitingPerAddress),
		clients: map[*client]struct{}{},
	}
	var err error
	if s.banner, err = bannerOf(cfg, configDir, version); err != nil {
		return nil, err
	}
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	reportCertificate(s.log, loaded, s.binding.TLSCipherSuites)
	return s, nil
}

func bannerOf(cfg Config, dir, version string) (string, error) {
	if cfg.BannerFile != "" {
		text, err := os.ReadFile(within(dir, cfg.BannerFile))
		if err != nil {
			return "", fmt.Errorf("ftp banner file: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if cfg.Banner != "" {
		return cfg.Banner, nil
	}
	return fmt.Sprintf("SFTPGo %s ready", version), nil
}

func within(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// Reload reads the certificates and revocation lists anew. Clients that are
// connected keep the old ones. On an error the old ones stay in use.
func (s *Server) Reload() error {
	l, err := s.load()
	if err == nil && l.SelfSigned != nil && l.SelfSigned.Made && l.SelfSigned.NotKept == nil {
		reportCertificate(s.log, l, nil) // somebody has deleted the file to have another
	}
	return err
}

func (s *Server) load() (*certs.Loaded, error) {
	l, err := s.cfg.tlsFiles(s.binding, s.dir).Load()
	if err != nil {
		return nil, fmt.Errorf("ftp: %w", err)
	}
	if old := s.tls.Load(); old != nil && l.SelfSigned != nil && l.SelfSigned.NotKept != nil {
		l.Certificate = old.Certificates[0] // clients know this one
	}
	s.tls.Store(newTLS(s.binding, l))
	return l, nil
}

// Serve answers the clients of l until ctx is done, then stops accepting. A
// client that transfers nothing is sent away with 421, the others when their
// transfer has been answered; Serve returns nil when all have gone. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer l.Close() // a second Close has nothing to say
	s.reportPassive(ctx)
	err := s.accept(ctx, l)
	s.drain()
	s.running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Server) accept(ctx context.Context, l net.Listener) error {
	const longest = time.Second
	delay := 5 * time.Millisecond
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			delay = 5 * time.Millisecond
			s.arrive(ctx, conn)
			continue
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			return fmt.Errorf("ftp: accept: %w", err)
		}
		// Out of descriptors or a client that has gone already: both pass.
		s.log.Warn("accept failed, trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(delay):
			delay = min(2*delay, longest)
		}
	}
}

// arrive starts the conversation with a new client. Another that waits for a login
// may have to make room.
func (s *Server) arrive(ctx context.Context, conn net.Conn) {
	c := newClient(context.WithoutCancel(ctx), s, conn)
	c.out = s.waiting.Enter(c.remote, c.evict)
	s.mu.Lock()
	s.clients[c] = struct{}{}
	s.mu.Unlock()
	s.running.Go(func() {
		defer s.depart(c)
		c.converse()
	})
}

func (s *Server) depart(c *client) {
	c.out()
	c.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
}

func (s *Server) drain() {
	s.mu.Lock()
	list := make([]*client, 0, len(s.clients))
	for c := range s.clients {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		c.end("Server is shutting down")
	}
}
