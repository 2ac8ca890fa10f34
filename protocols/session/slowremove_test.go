//go:build unix

package session_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/protocols/session"
)

// A session that removes a tree is not idle, however long its hooks take for each file.
func TestSlowRemovalIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, session.Config{IdleTimeout: 1})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.manager.Run(ctx) }()
		defer func() { stop(); <-ended }()
		for i := range 5 {
			r.write(fmt.Sprint("d/", i), "")
		}
		r.hooks.onAsk = func() { time.Sleep(40 * time.Second) }
		s := r.open()
		if err := s.RemoveAll(s.Context(), "/d"); err != nil {
			t.Error(err)
		}
		if got := r.tree("d"); len(got) != 0 {
			t.Errorf("left: %q", got)
		}
	})
}
