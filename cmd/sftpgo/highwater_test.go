package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestHighWaterRefuses: while too many events wait, each protocol refuses new
// uploads in its own words, and lets everything else pass.
func TestHighWaterRefuses(t *testing.T) {
	t.Parallel()
	hook, err := newFlakyReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hook.close)
	if err := hook.turn(away); err != nil {
		t.Fatal(err)
	}
	s := newRealServer(t, "SFTPGO_HTTP__RETRY_MAX=0",
		"SFTPGO_HOOKS__0__NAME=full", "SFTPGO_HOOKS__0__TARGET=http://"+hook.addr+"/", "SFTPGO_HOOKS__0__FORMAT=sftpgo",
		"SFTPGO_HOOKS__0__EVENTS=upload", "SFTPGO_HOOKS__0__RETRY__PAUSE=1", "SFTPGO_HOOKS__0__RETRY__LONGEST_PAUSE=1",
		"SFTPGO_HOOKS__0__RETRY__TRIES=1000", "SFTPGO_HOOKS__0__HIGH_WATER__EVENTS=2", "SFTPGO_HOOKS__0__HIGH_WATER__POLICY=refuse")
	s.addUser(t, "alice")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	clients := map[string]actor{}
	for _, protocol := range []string{viaSFTP, viaSCP, viaFTP, viaDAV} {
		c, err := dialActor(s, protocol, "alice")
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		clients[protocol] = c
	}
	for _, name := range []string{"/a", "/b"} {
		if err := clients[viaSFTP].put(name, []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	for protocol, want := range map[string]struct {
		code int
		text string
	}{
		viaSFTP: {4, "server busy, try again later"}, viaSCP: {1, "server busy, try again later"},
		viaFTP: {452, "server busy, try again later"}, viaDAV: {507, "server busy, try again later"},
	} {
		err := clients[protocol].put("/refused-"+protocol, []byte("content"))
		var no *refusedError
		if !errors.As(err, &no) || no.code != want.code || !strings.Contains(no.text, want.text) {
			t.Errorf("%s: %v, want %d and %q", protocol, err, want.code, want.text)
		}
	}
	if got, err := clients[viaSFTP].get("/a"); err != nil || string(got) != "content" {
		t.Errorf("a download: %q %v", got, err)
	}
	if err := clients[viaSFTP].rename("/a", "/c"); err != nil {
		t.Errorf("a rename: %v", err)
	}

	if err := hook.turn(answering); err != nil {
		t.Fatal(err)
	}
	for protocol := range clients {
		if !eventually(60*time.Second, func() bool {
			c, err := dialActor(s, protocol, "alice")
			if err != nil {
				return false
			}
			defer c.close()
			return c.put("/again-"+protocol, []byte("content")) == nil
		}) {
			t.Errorf("%s: refused although nothing waits any more", protocol)
		}
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}
