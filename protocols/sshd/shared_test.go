package sshd_test

import (
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Clients share one connection between several sessions (ControlMaster of OpenSSH).
// When the server ends one of them, the others go on.
func TestStopWithSharedConnection(t *testing.T) {
	r := start(t)
	c := r.dial()
	busy, err := sftp.NewClient(c)
	must(t, err)
	idle, err := sftp.NewClient(c)
	must(t, err)
	f, err := busy.Create("/f")
	must(t, err)
	_, err = f.Write([]byte("first"))
	must(t, err)
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.stop() }()
	_ = idle.Wait() // ended at once: nothing runs in it
	_, err = f.Write([]byte(" second"))
	must(t, err)
	must(t, f.Close())
	if got := r.read("f"); got != "first second" {
		t.Errorf("file is %q", got)
	}
	ended(t, c)
	<-stopped
}

// A client that does not close its side of a channel loses the connection, whether
// it reads or not.
func TestStopWithSharedConnectionOfADeafClient(t *testing.T) {
	for name, flood := range map[string]bool{"reads": false, "does not read": true} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			c := r.rawClient(t, "channel")
			must(t, c.message(msgChannelOpen, struct {
				Type                string
				ID, Window, MaxSize uint32
			}{"session", 1, 1 << 20, 32 << 10}))
			if _, err := c.await(msgChannelOpened); err != nil {
				t.Fatal(err)
			}
			request := struct {
				ID        uint32
				Type      string
				WantReply bool
				Name      string
			}{1, "subsystem", true, "sftp"}
			must(t, c.message(msgChannelRequest, request))
			if _, err := c.await(msgChannelSuccess); err != nil {
				t.Fatal(err)
			}
			if flood { // until nobody takes anything any more
				must(t, c.SetWriteDeadline(time.Now().Add(3*time.Second)))
				for c.message(msgChannelRequest, request) == nil {
				}
			}
			r.stop() // fails the test if it takes too long
			c.ended(t)
		})
	}
}

func ended(t *testing.T, c *ssh.Client) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Wait() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("the connection stays")
	}
}
