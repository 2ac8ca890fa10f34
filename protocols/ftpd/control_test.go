package ftpd

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pair returns a control connection and its other end.
func pair(t *testing.T) (*control, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	c := &client{
		log: slog.New(slog.DiscardHandler), remote: netip.MustParseAddr("192.0.2.1"),
		ended: make(chan struct{}), quiet: make(chan struct{}),
	}
	c.control = newControl(ours, nil, false, c)
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return c.control, theirs
}

// commands collects what the library would see, and replies what the client
// reads, until the connection ends.
func commands(t *testing.T, send string) (seen, replies string, err error) {
	t.Helper()
	ctl, peer := pair(t)
	answers := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(peer)
		answers <- string(all)
	}()
	go func() {
		_, _ = io.WriteString(peer, send)
		time.Sleep(10 * time.Millisecond)
		peer.Close()
	}()
	var b strings.Builder
	r := bufio.NewReader(ctl)
	for {
		line, rerr := r.ReadString('\n')
		b.WriteString(line)
		if rerr != nil {
			ctl.Close()
			return b.String(), <-answers, rerr
		}
	}
}

func TestControlScreens(t *testing.T) {
	tests := []struct{ name, send, seen, replies string }{
		{"passes", "USER a\r\npass b c\r\n", "USER a\r\npass b c\r\n", ""},
		{"bare newline", "NOOP\nNOOP\n", "NOOP\nNOOP\n", ""},
		{"begun command", "NOOP\r\nDELE /ab", "NOOP\r\n", ""},
		{"HTTP", "GET / HTTP/1.1\r\nHost: a\r\nUSER a\r\n", "", ""},
		{"HTTP later", "NOOP\r\nput /x HTTP/1.0\r\nNOOP\r\n", "NOOP\r\n", ""},
		{"too long", strings.Repeat("A", 5000) + "\r\nNOOP\r\n", "NOOP\r\n", "500 Line too long\r\n"},
		{"much too long", strings.Repeat("A", 100000) + "\r\nNOOP\r\n", "", "500 Line too long\r\n"},
		{"structure", "STRU F\r\nstru f\r\nSTRU R\r\n", "", "200 Structure is file\r\n200 Structure is file\r\n504 Only F is supported\r\n"},
		{"clear data", "PROT c\r\n", "PROT C\r\n", ""},
		{"TLS for data", "PROT p\r\n", "PROT P\r\n", ""},
		{"unknown protection", "PROT X\r\n", "", "504 Use PROT P or PROT C\r\n"},
		{"low port", "PORT 192,0,2,1,0,25\r\n", "PORT 0,0,0,0,4,0\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen, replies, err := commands(t, tt.send)
			if seen != tt.seen || replies != tt.replies || err == nil {
				t.Errorf("library sees %q, client %q, error %v; want %q and %q", seen, replies, err, tt.seen, tt.replies)
			}
		})
	}
}

func TestControlLoginTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, peer := pair(t)
		start := time.Now()
		said := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(peer).ReadString('\n')
			said <- line
		}()
		if _, err := ctl.Read(make([]byte, 10)); err != io.EOF {
			t.Errorf("Read = %v, want the end", err)
		}
		if waited := time.Since(start); waited != loginTime {
			t.Errorf("waited %v for a login, want %v", waited, loginTime)
		}
		if line := <-said; line != "421 Login timeout\r\n" {
			t.Errorf("farewell %q", line)
		}
	})
}

func TestControlHasNoLimitAfterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, peer := pair(t)
		ctl.keep()
		go func() {
			time.Sleep(24 * time.Hour)
			_, _ = io.WriteString(peer, "NOOP\r\n")
		}()
		p := make([]byte, 10)
		if n, err := ctl.Read(p); err != nil || string(p[:n]) != "NOOP\r\n" {
			t.Errorf("Read = %q, %v", p[:n], err)
		}
	})
}

// A client that does not read its replies is given up.
func TestControlWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, _ := pair(t)
		start := time.Now()
		if _, err := ctl.Write([]byte("200 OK\r\n")); err == nil {
			t.Error("written, although nobody reads")
		}
		if waited := time.Since(start); waited != writeTime {
			t.Errorf("waited %v, want %v", waited, writeTime)
		}
	})
}

func TestControlEndWaitsForTheReplyToATransfer(t *testing.T) {
	ctl, peer := pair(t)
	r := bufio.NewReader(peer)
	ctl.c.calls = 1
	ctl.c.transferBegun("/a")
	ctl.c.end("Server is shutting down")
	read := make(chan error, 1)
	go func() {
		_, err := ctl.Read(make([]byte, 10))
		read <- err
	}()
	select {
	case err := <-read:
		t.Fatalf("sent away during a transfer: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	ctl.c.transferEnded()
	go func() { _, _ = ctl.Write([]byte("226 Closing transfer connection\r\n")) }()
	for _, want := range []string{"226 Closing transfer connection\r\n", "421 Server is shutting down\r\n"} {
		if line, err := r.ReadString('\n'); line != want {
			t.Errorf("client reads %q, %v; want %q", line, err, want)
		}
	}
	if err := <-read; err != io.EOF {
		t.Errorf("Read = %v, want the end", err)
	}
}

// The library writes a long line in pieces.
func TestControlJoinsPieces(t *testing.T) {
	ctl, peer := pair(t)
	go func() {
		for _, piece := range []string{"550 Couldn't access /", strings.Repeat("x", 5000), ": \x0055", "3 name not allowed\r", "\n250 b\r\n"} {
			_, _ = ctl.Write([]byte(piece))
		}
	}()
	r := bufio.NewReader(peer)
	for _, want := range []string{"553 name not allowed\r\n", "250 b\r\n"} {
		if line, err := r.ReadString('\n'); line != want {
			t.Errorf("client reads %q, %v; want %q", line, err, want)
		}
	}
}
