package session

import (
	"sync"
	"sync/atomic"
)

// bearings keep names leading where they led when the rules were applied to them,
// until the storage has been asked: else a client with two connections could make
// a link lead elsewhere in between. Sessions with one rule for all do not mind.
// They are locked last, and for one call of the storage only.
type bearings struct {
	ruled atomic.Int64 // sessions with several rules
	mu    sync.RWMutex
}

// steady asks the rules, and runs f while no session changes where names lead. May
// is not asked where it cannot have another answer than before.
func (s *Session) steady(may, f func() error) error {
	if s.uniform {
		return f()
	}
	s.m.bearings.mu.RLock()
	defer s.m.bearings.mu.RUnlock()
	if err := may(); err != nil {
		return err
	}
	return f()
}

// turn is steady for what changes where names lead: it makes, moves or removes a
// link or a directory.
func (s *Session) turn(may, f func() error) error {
	if s.m.bearings.ruled.Load() == 0 {
		return f()
	}
	s.m.bearings.mu.Lock()
	defer s.m.bearings.mu.Unlock()
	if !s.uniform {
		if err := may(); err != nil {
			return err
		}
	}
	return f()
}
