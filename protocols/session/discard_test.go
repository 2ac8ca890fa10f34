package session_test

import (
	"context"
	"testing"
	"time"

	"sftpgo/protocols/session"
)

// stalled is a client that sends nothing any more.
type stalled struct{ reads int }

func (s *stalled) Read([]byte) (int, error) {
	s.reads++
	return 0, context.DeadlineExceeded
}

// The end of the session wakes who reads by a deadline. One that is set at the same
// moment must not put it off, neither for Discard nor for who reads after it.
func TestDiscardEndsWithTheSession(t *testing.T) {
	for range 20 {
		r := newRig(t, session.Config{})
		s := r.open()
		var client stalled
		var last time.Time
		s.Discard(context.Background(), &client, func(at time.Time) error {
			if s.Context().Err() == nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			last = at
			return nil
		})
		if client.reads > 0 || last.After(time.Now()) {
			t.Fatalf("%d reads after the end of the session, the next one may wait for %v", client.reads, time.Until(last))
		}
	}
}
