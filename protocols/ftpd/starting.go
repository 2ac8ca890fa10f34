package ftpd

import "sync"

// starting knows of the transfers that the library has been told of whether they are
// open. The library answers ABOR beside a transfer, under a lock that it does not
// hold when it refuses one: the two replies would be written over each other.
type starting struct {
	mu      sync.Mutex
	pending int           // neither open nor refused yet
	refused bool          // the last one
	settled chan struct{} // of who waits; closed when nothing is pending
}

// begin counts a transfer that the library is told of.
func (s *starting) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending++
}

// opened tells what came of opening the file.
func (s *starting) opened(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
	s.refused = err != nil
	if s.pending == 0 && s.settled != nil {
		close(s.settled)
		s.settled = nil
	}
}

// wait returns when nothing is pending, or ended is closed, and reports whether the
// last transfer was refused. One goroutine waits.
func (s *starting) wait(ended <-chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending > 0 {
		settled := make(chan struct{})
		s.settled = settled
		s.mu.Unlock()
		select {
		case <-settled:
		case <-ended:
		}
		s.mu.Lock()
	}
	return s.refused
}
