// Package telemetry is the listener for those who watch the server: health,
// metrics and profiles.
package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	probeInterval = 30 * time.Second
	probeLimit    = 5 * time.Second
	grace         = 2 * time.Second  // for requests that run when the server stops
	requestLimit  = 60 * time.Second // for all but profiles
	maxHeader     = 16 << 10
)

// Server is the telemetry front-end.
type Server struct {
	metrics *Metrics
	health  func(context.Context) error
	log     *slog.Logger
	cfg     Config
	users   *htpasswd    // nil: open
	cert    *certificate // nil: clear text
	suites  []uint16
	limit   time.Duration // requestLimit
}

// New makes a server of a valid configuration. health tells whether the data
// store can be used. Files that the configuration names are read here.
func New(metrics *Metrics, health func(context.Context) error, passwords Passwords, log *slog.Logger, cfg Config) (*Server, error) {
	s := &Server{metrics: metrics, health: health, log: log.With("sender", "telemetry"), cfg: cfg, limit: requestLimit}
	var err error
	if s.suites, err = cipherSuites(cfg.TLSCipherSuites); err != nil {
		return nil, err
	}
	if cfg.AuthUserFile != "" {
		if s.users, err = openHtpasswd(cfg.AuthUserFile, passwords, s.log); err != nil {
			return nil, err
		}
	}
	if cfg.CertificateFile != "" {
		s.cert = &certificate{cert: cfg.CertificateFile, key: cfg.CertificateKeyFile}
		if err := s.cert.load(); err != nil {
			return nil, err
		}
	}
	if cfg.EnableProfiler && cfg.AuthUserFile == "" && !cfg.private() {
		s.log.Warn("enable_profiler without auth_user_file: whoever can reach the port sees what the server does and can slow it down")
	}
	return s, nil
}

// Reload reads the certificate again. On an error the old one stays in use.
func (s *Server) Reload() error {
	if s.cert == nil {
		return nil
	}
	return s.cert.load()
}

// Serve answers requests of l, over TLS if a certificate is configured, until
// ctx is done, and returns nil then. It closes l. Meanwhile it asks every 30 s
// whether the data store answers.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:        s.routes(),
		ReadTimeout:    s.limit,
		IdleTimeout:    2 * s.limit,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		s.probe(ctx)
	}()
	served := make(chan error, 1)
	go func() {
		if s.cert != nil {
			server.TLSConfig = s.cert.config(s.suites)
			served <- server.ServeTLS(l, "", "")
			return
		}
		served <- server.Serve(l)
	}()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		s.stop(ctx, server)
		err = <-served
	}
	cancel()
	<-probed
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// stop lets requests end, a profile that runs for minutes excepted.
func (s *Server) stop(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // the connections that are left
	}
}

// probe watches the data store.
func (s *Server) probe(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	healthy := true
	for {
		err := s.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		s.metrics.storeAnswers(err == nil)
		switch {
		case err != nil && healthy:
			s.log.Error("the data store does not answer", "error", err)
		case err == nil && !healthy:
			s.log.Info("the data store answers again")
		}
		healthy = err == nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return s.health(ctx)
}
