package sshd

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/protocols/auth"
)

// pipeListener accepts the server ends of pipes.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (pipeListener) Addr() net.Addr { return nil }

func (l pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	c := &buffered{Conn: client, out: make(chan []byte, 1000), ended: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.ended) })
	go c.drain()
	return c
}

// buffered has room for what is written: both sides of SSH begin with a write,
// and a pipe has none.
type buffered struct {
	net.Conn
	out   chan []byte
	ended chan struct{}
	end   func()
}

func (c *buffered) drain() {
	for {
		select {
		case p := <-c.out:
			if _, err := c.Conn.Write(p); err != nil {
				return
			}
		case <-c.ended:
			return
		}
	}
}

func (c *buffered) Write(p []byte) (int, error) {
	c.out <- bytes.Clone(p)
	return len(p), nil
}

func (c *buffered) Close() error {
	c.end()
	return c.Conn.Close()
}

type everybody struct{}

func (everybody) Authenticate(_ context.Context, a auth.Attempt) (auth.Identity, error) {
	return auth.Identity{Method: auth.LoginMethod(a.Credential)}, nil
}
func (everybody) LoggedIn(context.Context, auth.Attempt, auth.Identity)            {}
func (everybody) Recheck(context.Context, string, netip.Addr, auth.Identity) error { return nil }
func (everybody) LoginFailed(context.Context, auth.Attempt, error)                 {}

func TestDeadlines(t *testing.T) {
	cfg := DefaultConfig()
	cfg.HostKeys = []string{filepath.Join(t.TempDir(), "id_ed25519")}
	srv, err := New(cfg, everybody{}, nil, 0, "1", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := pipeListener{make(chan net.Conn), make(chan struct{})}
		done := make(chan error)
		go func() { done <- srv.Serve(ctx, l) }()

		begin := time.Now()
		silent := l.dial()
		if _, err := io.Copy(io.Discard, silent); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != loginTimeout {
			t.Errorf("a client that does not log in was ended after %v", took)
		}
		silent.Close()

		conn, chans, reqs, err := ssh.NewClientConn(l.dial(), "", &ssh.ClientConfig{
			User: "u", Auth: []ssh.AuthMethod{ssh.Password("p")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err != nil {
			t.Fatal(err)
		}
		client := ssh.NewClient(conn, chans, reqs)
		begin = time.Now()
		ch, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(requests)
		if _, err := io.Copy(io.Discard, ch); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != channelTimeout {
			t.Errorf("a channel without a command was ended after %v", took)
		}
		ch.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		client.Close()
	})
}
