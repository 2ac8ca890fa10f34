package session

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Metrics is what this layer counts.
type Metrics interface {
	// SessionsChanged tells how many sessions there are.
	SessionsChanged(active int)
	// TransferDone counts one ended transfer: the bytes moved, and nil or why it
	// failed.
	TransferDone(dir Direction, bytes int64, err error)
	// CommandDone counts one ended SSH command, and nil or why it failed.
	CommandDone(err error)
}

// Direction is the way of a transfer, seen from the client.
type Direction string

// The directions.
const (
	Upload   Direction = "upload"
	Download Direction = "download"
)

// Manager opens sessions and keeps what they share. It is safe for concurrent
// use.
type Manager struct {
	store    dataprovider.Store
	journal  *journal
	storage  map[string]vfs.Factory // by kind
	metrics  Metrics
	log      *slog.Logger
	track    int
	cfg      Config
	ledger   *ledger
	bearings bearings
	buffers  buffers

	observers []Observer
	pledges   func(ctx context.Context, owner string) (dataprovider.Amount, int, error) // under mu; may be nil

	mu       sync.Mutex
	draining bool
	counted  int // sessions that are not parked
	sessions map[*Session]struct{}
	accounts map[string]*account
}

// NewManager makes a manager. trackQuota is data_provider.track_quota: 0 counts
// nothing, 1 counts for all users, 2 for users with a limit.
func NewManager(store dataprovider.Store, hooks actions.Dispatcher, storage []vfs.Factory, metrics Metrics,
	log *slog.Logger, trackQuota int, cfg Config,
) *Manager {
	m := &Manager{
		store:    store,
		journal:  &journal{outbox: store.Outbox(), hooks: hooks},
		storage:  map[string]vfs.Factory{},
		metrics:  metrics,
		log:      log,
		track:    trackQuota,
		cfg:      cfg,
		ledger:   newLedger(),
		sessions: map[*Session]struct{}{},
		accounts: map[string]*account{},
	}
	for _, f := range storage {
		m.storage[f.Kind()] = f
	}
	return m
}

// Open starts a session of a user who has proved who they are. ErrSessions
// means that the user or the server has as many as it may; ErrClosed, that the
// server is stopping. The session lives until Close, whatever becomes of ctx;
// the values of ctx are kept.
func (m *Manager) Open(ctx context.Context, u dataprovider.User, p Peer) (*Session, error) {
	fs, err := m.openStorage(ctx, &u, toUse)
	if err != nil {
		return nil, fmt.Errorf("open storage of %q: %w", u.Username, err)
	}
	s := &Session{
		m: m, user: u, peer: p, fs: fs,
		log: m.log.With("sender", p.Protocol, "connection_id", p.ID,
			"username", u.Username, "client_ip", p.Remote.String()),
		transfers: map[*Transfer]struct{}{},
		ended:     make(chan struct{}),
		uniform:   len(u.Permissions) <= 1 && !u.HasFileFilters(),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.Touch()
	s.top, s.remote = s.path("/"), p.Remote.String()
	if spec, err := specOf(&u, toUse); err == nil {
		s.home = homeOf(spec.Kind, fs)
	}
	if root, err := fs.Stat(ctx, "/"); err == nil {
		s.root = vfs.FileIDOf(root)
	}
	if err := m.insert(s); err != nil {
		s.cancel(err)
		_ = fs.Close() // nothing was opened on it
		return nil, err
	}
	return s, nil
}

// insert counts a session in, if there is room.
func (m *Manager) insert(s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining {
		return ErrClosed
	}
	a := m.accounts[s.user.Username]
	if a == nil {
		a = &account{
			name:  s.user.Username,
			quota: &quota{owner: s.user.Username, usage: m.store.Usage(), pledged: pledges{recall: m.pledges}},
		}
	}
	if err := m.admit(a, &s.user); err != nil {
		return err
	}
	a.configure(&s.user, m.track)
	a.refs++
	m.accounts[a.name] = a
	s.account = a
	m.sessions[s] = struct{}{}
	if !s.uniform {
		m.bearings.ruled.Add(1)
	}
	m.metrics.SessionsChanged(len(m.sessions))
	return nil
}

// admit counts one session, or refuses.
func (m *Manager) admit(a *account, u *dataprovider.User) error {
	if limit := m.cfg.MaxTotalConnections; limit > 0 && m.counted >= limit {
		return fmt.Errorf("server: %w", ErrSessions)
	}
	if u.MaxSessions > 0 && a.sessions >= u.MaxSessions {
		return fmt.Errorf("user %q: %w", u.Username, ErrSessions)
	}
	m.counted++
	a.sessions++
	return nil
}

func (m *Manager) remove(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.sessions[s]; !ok {
		return
	}
	delete(m.sessions, s)
	if !s.uniform {
		m.bearings.ruled.Add(-1)
	}
	if !s.parked.Load() {
		m.counted--
		s.account.sessions--
	}
	if s.account.refs--; s.account.refs == 0 {
		delete(m.accounts, s.account.name)
	}
	m.metrics.SessionsChanged(len(m.sessions))
}

// Park takes the session out of the count of max_sessions: a WebDAV client has a
// session only while a request runs.
func (s *Session) Park() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if _, ok := s.m.sessions[s]; ok && s.parked.CompareAndSwap(false, true) {
		s.m.counted--
		s.account.sessions--
	}
}

// Resume counts a parked session again, or returns ErrSessions.
func (s *Session) Resume() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if _, ok := s.m.sessions[s]; !ok || s.m.draining {
		return ErrClosed
	}
	if !s.parked.Load() {
		return nil
	}
	if err := s.m.admit(s.account, &s.user); err != nil {
		return err
	}
	s.parked.Store(false)
	s.Touch()
	return nil
}

// configure takes the limits of the newest record.
func (a *account) configure(u *dataprovider.User, track int) {
	if a.up == nil || a.up.Limit() != rateOf(u.UploadBandwidth) {
		a.up = limiter(u.UploadBandwidth)
	}
	if a.down == nil || a.down.Limit() != rateOf(u.DownloadBandwidth) {
		a.down = limiter(u.DownloadBandwidth)
	}
	if track == 0 {
		return
	}
	a.quota.maxFiles.Store(int64(u.QuotaFiles))
	a.quota.maxBytes.Store(u.QuotaSize)
}

// counts reports whether usage is kept for u.
func (m *Manager) counts(u *dataprovider.User) bool {
	return m.track == 1 || m.track == 2 && (u.QuotaSize > 0 || u.QuotaFiles > 0)
}

func (m *Manager) snapshot() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*Session, 0, len(m.sessions))
	for s := range m.sessions {
		list = append(list, s)
	}
	return list
}

// Run does the housekeeping until ctx is done: it ends idle sessions and those
// whose account was closed meanwhile, and records outcomes that the store did
// not take at once.
func (m *Manager) Run(ctx context.Context) {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.endIdle(now)
			m.endClosedAccounts(ctx, now)
			settle, cancel := detached(ctx)
			m.journal.retry(settle)
			cancel()
		}
	}
}

const housekeeping = 5 * time.Second

func (m *Manager) endIdle(now time.Time) {
	limit := time.Duration(m.cfg.IdleTimeout) * time.Minute
	if limit == 0 {
		return
	}
	for _, s := range m.snapshot() {
		if now.Sub(time.Unix(0, s.active.Load())) > limit {
			s.disconnect("idle")
		}
	}
}

// endClosedAccounts looks at each account with sessions once per round.
func (m *Manager) endClosedAccounts(ctx context.Context, now time.Time) {
	verdicts := map[string]string{}
	for _, s := range m.snapshot() {
		name := s.user.Username
		reason, known := verdicts[name]
		if !known {
			reason = m.accountClosed(ctx, name, now)
			verdicts[name] = reason
		}
		if reason != "" {
			s.disconnect(reason)
		}
	}
}

// Shutdown refuses new sessions and transfers, ends idle sessions at once and
// the others when their transfers have ended and been answered, or when ctx is
// done. Outcomes are recorded when it returns.
func (m *Manager) Shutdown(ctx context.Context) {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		left := 0
		for _, s := range m.snapshot() {
			if s.busy() {
				left++
			} else {
				s.disconnect("server stops")
			}
		}
		if left == 0 {
			break
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	for _, s := range m.snapshot() {
		s.disconnect("server stops, grace time is over")
	}
	settle, cancel := detached(ctx)
	defer cancel()
	m.journal.retry(settle)
}

func (m *Manager) isDraining() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.draining
}
