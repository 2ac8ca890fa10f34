package sshd_test

import (
	"testing"
	"time"
)

// TestClosedWindow: a client whose window takes not even the words of a refusal
// keeps neither its connection nor the server from ending.
func TestClosedWindow(t *testing.T) {
	ask := func(t *testing.T, r *rig) *rawClient {
		c := r.rawClient(t, "login")
		must(t, c.message(msgChannelOpen, struct {
			Type                string
			ID, Window, MaxSize uint32
		}{"session", 0, 0, 32 << 10}))
		if _, err := c.await(msgChannelOpened); err != nil {
			t.Fatal(err)
		}
		must(t, c.message(msgChannelRequest, struct {
			ID        uint32
			Type      string
			WantReply bool
			Command   string
		}{0, "exec", true, "none"}))
		if _, err := c.await(msgChannelSuccess); err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Run("idle", func(t *testing.T) {
		ask(t, start(t, func(s *setup) { s.idle = 100 * time.Millisecond })).ended(t)
	})
	t.Run("stop", func(t *testing.T) {
		r := start(t)
		c := ask(t, r)
		r.stop() // fails the test if it takes too long
		c.ended(t)
	})
}
