package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

// byPassword also reports whether this login has been noted before.
func (p *Provider) byPassword(ctx context.Context, a Attempt, plain string) (_ Identity, noted bool, _ error) {
	u, rev, err := p.user(ctx, a.User)
	if err != nil && !errors.Is(err, ErrRejected) {
		return Identity{}, false, err
	}
	s := p.secret(a, plain)
	if err := s.check(ctx, u, rev, err); err != nil {
		return Identity{}, false, err
	}
	id, err := p.admit(ctx, a, u, rev)
	if err != nil {
		return Identity{}, false, s.deny(ctx, err)
	}
	id = s.accepted(ctx, id)
	return id, s.noted(id), nil
}

// noted reports whether the log had this login when the password was last found
// right. Clients of HTTP log in with every request; one record per address and
// lifetime of what is remembered says it all.
func (s *secret) noted(id Identity) bool {
	if p := s.a.Protocol; p != dataprovider.ProtocolDAV && p != dataprovider.ProtocolHTTP {
		return false
	}
	k := verified{s.key, s.a.Remote.Unmap(), id.Method}
	if s.p.verified.has(k) {
		return true
	}
	s.p.verified.add(k)
	return false
}

// secret is one check of a password; the methods are called in the order in which
// they stand here.
type secret struct {
	p      *Provider
	a      Attempt
	plain  string
	key    verifiedKey
	cached bool // known to be right
	hashed bool // at least once, for spent
	spent  time.Duration
}

func (p *Provider) secret(a Attempt, plain string) *secret { return &secret{p: p, a: a, plain: plain} }

// check tells whether the password is that of the account. userErr is why there
// is none, or nil. Denials take the same work and time, whatever the reason.
func (s *secret) check(ctx context.Context, u dataprovider.User, rev dataprovider.Revision, userErr error) error {
	if userErr == nil && u.Password == "" {
		userErr = reject(errNoPassword)
	}
	if userErr != nil {
		return s.deny(ctx, userErr)
	}
	s.key = s.p.verified.key(&u, rev, s.plain)
	if s.cached = s.p.verified.has(verified{key: s.key}); s.cached {
		return nil
	}
	var right bool
	err := s.hash(ctx, func() (err error) {
		right, err = s.p.passwords.Verify(ctx, u.Password, s.plain)
		return err
	})
	switch {
	case errors.Is(err, ErrBusy):
		return err
	case err != nil:
		return s.deny(ctx, reject(err))
	case !right:
		return s.deny(ctx, reject(errWrongPassword))
	}
	return nil
}

// deny returns why after the work and the time that a wrong password costs.
func (s *secret) deny(ctx context.Context, why error) error {
	if !s.hashed {
		err := s.hash(ctx, func() error { return s.p.passwords.VerifyDummy(ctx, s.plain) })
		if errors.Is(err, ErrBusy) {
			return err // as for everybody else
		}
		if err != nil {
			why = fmt.Errorf("%w (%w)", why, err)
		}
	}
	pause := time.NewTimer(s.p.slowest.of(time.Now()) - s.spent)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return why
}

// accepted remembers the password for a while and renews its hash, if need be.
//
// Only what led to a login is remembered, or the time would tell whether the
// password of a disabled account is right.
func (s *secret) accepted(ctx context.Context, id Identity) Identity {
	if !s.cached {
		id = s.rehashed(ctx, id)
		s.key = s.p.verified.key(&id.User, id.Revision, s.plain)
	}
	s.p.verified.add(verified{key: s.key})
	return id
}

// rehashed stores the password anew if its hash is stale. A login does not fail
// because that did not succeed.
func (s *secret) rehashed(ctx context.Context, id Identity) Identity {
	r := s.p.cfg.Rehasher
	if r == nil || !r.Stale(id.User.Password) {
		return id
	}
	u := id.User
	err := s.hash(ctx, func() (err error) {
		u.Password, err = r.Hash(ctx, s.plain)
		return err
	})
	var rev dataprovider.Revision
	if err == nil {
		rev, err = s.p.users.Put(ctx, u, id.Revision)
	}
	if err != nil {
		// Of two first logins at the same time one finds the record changed.
		if !errors.Is(err, dataprovider.ErrConflict) {
			s.p.record.log.LogAttrs(ctx, slog.LevelWarn, "password hash not renewed: "+err.Error(),
				slog.String("sender", "auth"), slog.String("username", u.Username))
		}
		return id
	}
	s.p.record.log.LogAttrs(ctx, slog.LevelInfo, "password hash renewed",
		slog.String("sender", "auth"), slog.String("username", u.Username))
	id.User, id.Revision = u, rev
	return id
}

// hash does work on a password when it is the client's turn.
func (s *secret) hash(ctx context.Context, work func() error) error {
	leave, err := s.p.hashing.enter(ctx, s.a.Remote)
	if err != nil {
		return err
	}
	defer leave()
	start := time.Now()
	err = work()
	s.hashed, s.spent = true, time.Since(start)
	s.p.slowest.note(start, s.spent)
	return err
}

// slowest is how long the slowest check of a password took lately: in the window
// that runs and in the one before.
type slowest struct {
	mu        sync.Mutex
	start     time.Time // of the window
	now, last time.Duration
}

const (
	slowestWindow = 10 * time.Minute
	// slowestLimit keeps a stall of the machine from slowing denials for long; no
	// hash that may be stored takes much more.
	slowestLimit = 3 * time.Second
)

// note adds a check that took d.
func (s *slowest) note(at time.Time, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(at)
	s.now = max(s.now, min(d, slowestLimit))
}

// of returns what a denial has to take.
func (s *slowest) of(at time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(at)
	return max(s.now, s.last)
}

func (s *slowest) turn(at time.Time) {
	switch age := at.Sub(s.start); {
	case age < slowestWindow:
		return
	case age < 2*slowestWindow:
		s.last = s.now
	default:
		s.last = 0
	}
	s.now, s.start = 0, at
}
