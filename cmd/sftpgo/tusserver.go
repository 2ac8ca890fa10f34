package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"sync"
	"time"

	"sftpgo/actions/outbox"
	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/tus"
	"sftpgo/protocols/tus/page"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// tusServer is the parts of a stand-alone server, put together.
type tusServer struct {
	*server
	flags *tusFlags
	place *tusPlace
	left  []*outbox.Dispatcher // of what other processes did not deliver
}

// newTusServer makes the server, settles what the last stop interrupted, and listens.
func newTusServer(ctx context.Context, f *tusFlags, log *slog.Logger) (_ *tusServer, err error) {
	hooks, err := f.hooks.chain()
	if err != nil {
		return nil, err
	}
	s := &tusServer{flags: f}
	if s.place, err = openTusPlace(ctx, &f.data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.place.Close())
		}
	}()
	users, user, err := everybody(ctx, s.place.data)
	if err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Hooks, cfg.DataProvider.TrackQuota = hooks, 0
	cfg.HTTP.RetryMax = 0 // the outbox tries again, and clients do not wait for it
	if s.server, err = newCore(cfg, ".", tusStore{s.place.own.store, users, s.place.uploads}, log); err != nil {
		return nil, err
	}
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	if err := s.adopt(ctx, users); err != nil {
		return nil, err
	}
	s.uploads = session.NewResumables(s.sessions, s.place.uploads, s.policy(user), log)
	if err := s.addHandler(user); err != nil {
		return nil, err
	}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	s.greet()
	return s, nil
}

// policy is that of Rustus: uploads are made in place, and stay.
func (s *tusServer) policy(user dataprovider.User) session.ResumablePolicy {
	p := session.ResumablePolicy{
		Data: func(u dataprovider.Upload) string {
			return path.Join("/", s.flags.data.directory(u.Created), u.ID)
		},
		InPlace: true, Ownerless: true,
		Account:    func(context.Context, string) (dataprovider.User, error) { return user, nil },
		Expiration: s.flags.server.expireAfter, Wait: 10 * time.Second, RemoveParts: bool(s.flags.server.removeParts),
		Durable: bool(s.flags.data.forceFsync),
	}
	if lifetime := time.Duration(s.flags.data.redisLifetime) * time.Second; lifetime > 0 && (p.Expiration == 0 || lifetime < p.Expiration) {
		p.Expiration = lifetime
	}
	return p
}

// adopt settles and delivers what processes that have ended left.
func (s *tusServer) adopt(ctx context.Context, users dataprovider.Collection[dataprovider.User]) error {
	for _, left := range s.place.left {
		d, err := outbox.New(left.store.Outbox(), s.hooks, s.metrics, s.log, outbox.DefaultConfig())
		if err != nil {
			return err
		}
		m := session.NewManager(tusStore{left.store, users, s.place.uploads}, d, []vfs.Factory{localfs.NewFactory(s.log)},
			s.metrics, s.log, 0, s.cfg.Common.Config)
		if _, err := m.Recover(ctx); err != nil {
			return fmt.Errorf("events of a process that has ended: %w", err)
		}
		s.left = append(s.left, d)
	}
	return nil
}

// addHandler is what the port answers.
func (s *tusServer) addHandler(user dataprovider.User) error {
	f := &s.flags.server
	from, err := newForwarding(bool(f.behindProxy), f.trustedProxies.values)
	if err != nil {
		return err
	}
	proxies, err := web.NewProxies(from.networks(), "", 0)
	if err != nil {
		return err
	}
	cors := web.CORS{Enabled: true, AllowedOrigins: f.cors.values, AllowedHeaders: s.flags.hooks.proxyHeaders.values}
	clients := &everyClient{pool: web.NewPool(s.sessions, protocols.HTTP), user: user, from: from}
	drafts, err := tus.ParseDrafts(f.ietfDrafts.values)
	if err != nil {
		return err
	}
	uploads := tus.NewHandler(tus.Protocol{
		Prefix: f.prefix(), Extensions: f.extensions.values, Drafts: drafts, MaxSize: f.maxFileSize, MaxBody: f.maxBodySize,
		RefuseEmpty: !bool(f.allowEmpty), ExternalURL: f.externalURL,
	}, clients, s.uploads, proxies, cors, s.log)
	front, err := page.New(f.prefix() + "/")
	if err != nil {
		return err
	}
	host := &web.Host{
		Name: "tus", Handler: s.routes(uploads, front), Visitors: web.NewVisitors(proxies), Pool: clients.pool, Log: s.log,
	}
	address := net.JoinHostPort(f.host, strconv.Itoa(f.port))
	s.frontEnds = append(s.frontEnds, frontEnd{
		name: "tus", serve: host,
		listen: func(ctx context.Context) (net.Listener, error) {
			var lc net.ListenConfig
			return lc.Listen(ctx, "tcp", address)
		},
	})
	return nil
}

// routes shares the port: uploads have all that is below their prefix.
func (s *tusServer) routes(uploads, front http.Handler) http.Handler {
	access := accessLog{log: s.log.With("sender", "http"), quietHealth: bool(s.flags.server.quietHealth)}
	mux := http.NewServeMux()
	mux.Handle("GET /health", access.around(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("GET /metrics", access.around(s.metrics.Handler()))
	mux.Handle("GET "+page.Assets, access.around(front))
	prefix := s.flags.server.prefix()
	if prefix == "" {
		mux.Handle("GET /{$}", access.around(front))
	} else {
		mux.Handle("/", access.around(front))
		mux.Handle(prefix, uploads)
	}
	mux.Handle(prefix+"/", uploads)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Welcome(r) // there is no login that it could wait for
		handler, _ := mux.Handler(r)
		handler.ServeHTTP(w, r)
	})
}

// everyClient lets everybody in, as the one user.
type everyClient struct {
	pool *web.Pool
	user dataprovider.User
	from forwarding
}

var _ tus.Clients = (*everyClient)(nil)

// Enter implements tus.Clients.
func (c *everyClient) Enter(r *http.Request, _ netip.Addr) (*session.Session, func(), error) {
	lease, err := c.pool.Acquire(context.WithoutCancel(r.Context()), auth.Identity{User: c.user}, c.from.client(r))
	if err != nil {
		return nil, nil, err
	}
	return lease.Session(), func() { c.pool.Release(lease) }, nil
}

// greet says in the log what there is.
func (s *tusServer) greet() {
	log := s.log.With("sender", "serve")
	for _, f := range s.frontEnds {
		log.Info("listening", "address", f.l.Addr().String(), "uploads", s.flags.server.prefix()+"/", "data", s.place.data,
			"version", version)
	}
	for _, line := range s.summary() {
		log.Info("hook: " + line)
	}
	if s.flags.server.behindProxy && len(s.flags.server.trustedProxies.values) == 0 {
		log.Warn("--behind-proxy without --trusted-proxies: every client can claim to be at any address")
	}
	if len(s.left) > 0 {
		log.Info("events of processes that have ended are delivered", "processes", len(s.left))
	}
}

// run serves until ctx is done.
func (s *tusServer) run(ctx context.Context) error {
	deliveries, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	for _, d := range s.left {
		beside.Go(func() { d.Run(deliveries) })
	}
	sweeping, rest := context.WithCancel(ctx)
	beside.Go(func() { s.uploads.Run(sweeping) })
	defer beside.Wait()
	defer rest()
	defer stop()
	return s.server.run(ctx, s.flags.server.graceTime)
}

// close gives back what is open. Call it when run has returned.
func (s *tusServer) close() error { return s.place.Close() }
