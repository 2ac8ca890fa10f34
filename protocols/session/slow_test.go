package session_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/protocols/session"
)

// trickle is a peer with 1 KiB per second.
type trickle struct{ left int }

func (s *trickle) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	n := min(1<<10, s.left, len(p))
	s.left -= n
	return n, nil
}

func (s *trickle) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * time.Second >> 10)
	s.left += len(p)
	return len(p), nil
}

// TestSlowIsNotIdle: a transfer that moves bytes is never idle, however slow,
// also when the kernel moves them piece by piece.
func TestSlowIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, session.Config{IdleTimeout: 1})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.manager.Run(ctx) }()
		defer func() { stop(); <-ended }()
		s := r.open()

		up, err := s.Upload(s.Context(), "/f", put)
		if err != nil {
			t.Fatal(err)
		}
		n, err := up.ReadFrom(&trickle{left: 200 << 10})
		if err != nil || n != 200<<10 {
			t.Fatalf("upload of %d bytes: %v", n, err)
		}
		if err := up.Close(); err != nil {
			t.Fatal(err)
		}
		r.write("g", strings.Repeat("x", 200<<10))
		down, err := s.Download(s.Context(), "/g")
		if err != nil {
			t.Fatal(err)
		}
		peer := &trickle{}
		if n, err := down.WriteTo(peer); err != nil || peer.left != 200<<10 {
			t.Fatalf("download of %d bytes: %v", n, err)
		}
		if err := down.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if s.Context().Err() == nil {
			t.Error("an idle session was kept")
		}
	})
}
