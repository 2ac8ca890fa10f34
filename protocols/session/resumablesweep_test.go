package session_test

import (
	"testing"
	"time"

	"sftpgo/protocols/session"
)

// TestSweepRests: looking at a million uploads is not all that the server does.
func TestSweepRests(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Minute, 3 * time.Second: time.Minute, time.Minute: 20 * time.Minute,
	} {
		if got := session.RestAfter(took); got != want {
			t.Errorf("%v after %v, want %v", got, took, want)
		}
	}
}
