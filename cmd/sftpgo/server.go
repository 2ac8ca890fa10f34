package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"sftpgo/actions/httpsink"
	"sftpgo/actions/outbox"
	"sftpgo/actions/useraction"
	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/proxied"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd"
	"sftpgo/protocols/telemetry"
	"sftpgo/protocols/tus"
	"sftpgo/protocols/webdavd"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// server is the parts of a running program, put together and not yet started.
type server struct {
	cfg       config.Config
	log       *slog.Logger
	store     dataprovider.Store
	hooks     outbox.Hooks
	events    *outbox.Dispatcher
	sessions  *session.Manager
	uploads   *session.Resumables
	http      *httpsink.Client
	logins    *auth.Provider
	trust     *auth.Authorities
	metrics   *telemetry.Metrics
	frontEnds []frontEnd
}

// frontEnd is one listener and what serves it.
type frontEnd struct {
	name   string
	note   string // for the start message
	serve  protocols.Server
	listen func(context.Context) (net.Listener, error)
	l      net.Listener
}

// reloader is a part that reads its files again on SIGHUP.
type reloader interface{ Reload() error }

// newServer reads like a parts list. It changes nothing but host keys and, for
// the sake of a clear error, opens no port: see listen.
func newServer(cfg config.Config, dir string, store dataprovider.Store, log *slog.Logger) (*server, error) {
	s, err := newCore(cfg, dir, store, log)
	if err != nil {
		return nil, err
	}
	for _, add := range []func(string) error{s.addLogins, s.addSSH, s.addFTP, s.addDAV, s.addTus} {
		if err := add(dir); err != nil {
			return nil, err
		}
	}
	if len(s.frontEnds) == 0 {
		return nil, errors.New("nothing to do: no binding of sftpd, ftpd, webdavd or tus has a port")
	}
	return s, s.addTelemetry()
}

// newCore is what every session needs, however its client comes in.
func newCore(cfg config.Config, dir string, store dataprovider.Store, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, log: log, store: store, metrics: telemetry.NewMetrics()}
	if err := s.addHooks(dir); err != nil {
		return nil, err
	}
	s.sessions = session.NewManager(store, s.events, []vfs.Factory{localfs.NewFactory(log)},
		s.metrics, log, cfg.DataProvider.TrackQuota, cfg.Common.Config)
	s.logins = auth.New(auth.Config{}, store, s.hasher(), s.metrics, log)
	return s, nil
}

func (s *server) addSSH(dir string) error {
	for _, b := range s.cfg.SFTPD.Bindings {
		if b.Port == 0 {
			continue
		}
		idle := time.Duration(s.cfg.Common.IdleTimeout) * time.Minute
		srv, err := sshd.New(s.cfg.SFTPD, s.logins, s.sessions, idle, version, dir, s.log)
		if err != nil {
			return fmt.Errorf("sftpd: %w", err)
		}
		s.add("SFTP", "", srv, s.address(b.Address, b.Port, b.ApplyProxyConfig))
	}
	return nil
}

func (s *server) addFTP(dir string) error {
	for i, b := range s.cfg.FTPD.Bindings {
		if b.Port == 0 {
			continue
		}
		srv, err := ftpd.New(s.cfg.FTPD, i, s.logins, s.sessions, version, dir, s.log)
		if err != nil {
			return fmt.Errorf("ftpd: %w", err)
		}
		note := ""
		switch {
		case b.TLSMode == 2:
			note = "implicit TLS"
		case b.TLSMode == 1:
			note = "explicit TLS required"
		default:
			note = "clear text allowed, explicit TLS offered"
		}
		s.add("FTP", note, srv, s.address(b.Address, b.Port, b.ApplyProxyConfig))
	}
	return nil
}

func (s *server) addDAV(dir string) error {
	locks := webdavd.NewLocks(s.store.Locks(), s.log)
	s.sessions.Observe(locks)
	for _, b := range s.cfg.WebDAVD.Bindings {
		if b.Port == 0 {
			continue
		}
		srv, err := webdavd.New(s.cfg.WebDAVD, b, dir, s.logins, s.sessions, locks, s.log)
		if err != nil {
			return err
		}
		note := "clear text"
		if b.EnableHTTPS {
			note = "HTTPS"
		}
		s.add("WebDAV", note, srv, s.address(b.Address, b.Port, b.ApplyProxyConfig))
	}
	return nil
}

// addTus adds resumable uploads. Of SQLite and the memory no other server is a user.
func (s *server) addTus(dir string) error {
	policy := s.cfg.Tus.Policy(session.StagedPolicy(s.store.Users()))
	policy.Alone = s.alone()
	s.uploads = session.NewResumables(s.sessions, s.store.Uploads(), policy, s.log)
	for _, b := range s.cfg.Tus.Bindings {
		if b.Port == 0 {
			continue
		}
		srv, err := tus.New(s.cfg.Tus, b, dir, s.logins, s.sessions, s.uploads, s.log)
		if err != nil {
			return err
		}
		note := "clear text"
		if b.EnableHTTPS {
			note = "HTTPS"
		}
		s.add("tus", note, srv, s.address(b.Address, b.Port, b.ApplyProxyConfig))
	}
	return nil
}

// serves reports whether resumable uploads have an address.
func (s *server) serves(cfg tus.Config) bool {
	return slices.ContainsFunc(cfg.Bindings, func(b tus.Binding) bool { return b.Port != 0 })
}

// alone reports whether this is the only server on its data store.
func (s *server) alone() bool {
	switch s.cfg.DataProvider.Driver {
	case dataprovider.DriverSQLite, dataprovider.DriverMemory:
		return true
	}
	return false
}

func (s *server) addTelemetry() error {
	cfg := s.cfg.Telemetry
	if !cfg.Enabled() {
		return nil
	}
	if err := s.metrics.WatchBacklog(s.store.Outbox().Backlog); err != nil {
		return err
	}
	srv, err := telemetry.New(s.metrics, s.store.Ping, s.hasher(), s.log, cfg)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	s.frontEnds = append(s.frontEnds, frontEnd{name: "telemetry", serve: srv, listen: cfg.Listen})
	return nil
}

func (s *server) add(name, note string, srv protocols.Server, a address) {
	s.frontEnds = append(s.frontEnds, frontEnd{
		name: name, note: note, serve: srv,
		listen: func(ctx context.Context) (net.Listener, error) { return a.listen(ctx, name, s.log) },
	})
}

// address is where a front-end listens, and whether proxies tell who comes.
type address struct {
	hostPort string
	proxy    proxied.Config
}

func (s *server) address(host string, port int, behindProxy bool) address {
	a := address{hostPort: net.JoinHostPort(host, strconv.Itoa(port))}
	if behindProxy {
		a.proxy = s.cfg.Common.Proxy
	}
	return a
}

func (a address) listen(ctx context.Context, name string, log *slog.Logger) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.hostPort)
	if err != nil {
		return nil, err
	}
	if a.proxy.BelievesAnyone() {
		log.Warn("common.proxy_allowed is empty: every client can claim to be at any address", "sender", "serve", "server", name)
	}
	return proxied.Listen(l.(*net.TCPListener), a.proxy, log)
}

// listen opens all ports or none.
func (s *server) listen(ctx context.Context) error {
	for i := range s.frontEnds {
		f := &s.frontEnds[i]
		l, err := f.listen(ctx)
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("%s: %w", f.name, err)
		}
		f.l = l
	}
	return nil
}

func (s *server) closeListeners() {
	for _, f := range s.frontEnds {
		if f.l != nil {
			_ = f.l.Close() // nobody has connected
		}
	}
}

// recover settles what the last stop interrupted; it comes before anything else
// that counts or serves.
func (s *server) recover(ctx context.Context) error {
	n, err := s.sessions.Recover(ctx)
	if err != nil {
		return fmt.Errorf("recover from the last stop: %w", err)
	}
	changes, err := useraction.Recover(ctx, s.store)
	if err != nil {
		return fmt.Errorf("recover changes of accounts: %w", err)
	}
	n += changes
	if n > 0 {
		s.log.Info("operations that the last stop interrupted are settled", "sender", "serve", "operations", n)
	}
	return nil
}

// takeOverPause is the time until what could not be settled is tried again.
const takeOverPause = 5 * time.Second

// takeOver settles what other servers of the same store left when they were killed,
// until ctx is done. What it has taken over is nobody else's, so it does not give up.
func (s *server) takeOver(ctx context.Context) {
	peers, ok := s.store.(dataprovider.Peers)
	if !ok {
		return
	}
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-peers.Orphans():
		case <-again:
		}
		again = nil
		n, err := s.sessions.Recover(ctx)
		if err != nil && ctx.Err() == nil {
			again = time.After(takeOverPause)
			s.log.Warn("operations that another server left cannot be settled now", "sender", "serve", "error", err)
		}
		if n > 0 {
			s.log.Info("operations that another server left are settled", "sender", "serve", "operations", n)
		}
	}
}

// run serves until ctx is done or a part fails, then stops in the order in which
// nothing is lost: no new clients, running transfers up to the grace time, then
// the events.
func (s *server) run(ctx context.Context, grace time.Duration) error {
	events, stopEvents := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEvents()
	var delivery errgroup.Group
	delivery.Go(func() error { s.events.Run(events); return nil })

	group, serving := errgroup.WithContext(ctx)
	for _, f := range s.frontEnds {
		group.Go(func() error {
			if err := f.serve.Serve(serving, f.l); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			return nil
		})
	}
	group.Go(func() error { s.sessions.Run(serving); return nil })
	group.Go(func() error { s.takeOver(serving); return nil })
	group.Go(func() error { s.sessions.Sweep(serving); return nil })
	if s.serves(s.cfg.Tus) {
		group.Go(func() error { s.uploads.Run(serving); return nil })
	}
	group.Go(func() error {
		<-serving.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(serving), grace)
		defer cancel()
		s.sessions.Shutdown(limit)
		return nil
	})
	err := group.Wait()
	stopEvents()
	_ = delivery.Wait() // Run has no error
	return errors.Join(err, s.hooks.Close())
}

// reload reads certificates and the like again; what cannot be read stays as it
// was.
func (s *server) reload() {
	s.reloadPart("authorities of certificates", s.trust)
	for _, f := range s.frontEnds {
		if r, ok := f.serve.(reloader); ok {
			s.reloadPart(f.name, r)
		}
	}
}

func (s *server) reloadPart(name string, r reloader) {
	if err := r.Reload(); err != nil {
		s.log.Error("reload failed, the old state stays in use", "sender", "serve", "part", name, "error", err)
		return
	}
	s.log.Info("reloaded", "sender", "serve", "part", name)
}
