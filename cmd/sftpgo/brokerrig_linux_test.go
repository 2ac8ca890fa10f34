package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/actions/brokertest"
)

// brokerRig is the real server with a real broker.
type brokerRig struct {
	t      *testing.T
	broker *brokertest.Broker
	server *realServer
}

// newBrokerRig prepares both. In the configuration BROKER stands for the URL of the
// broker.
func newBrokerRig(t *testing.T, configuration string, make func(dir string) (*brokertest.Broker, error), programs ...string) *brokerRig {
	t.Helper()
	if err := brokertest.Installed(programs...); err != nil {
		needs(t, err.Error())
	}
	b, err := make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &brokerRig{t: t, broker: b, server: newRealServer(t)}
	text := strings.ReplaceAll(configuration, "BROKER", b.URL)
	if err := os.WriteFile(filepath.Join(r.server.dir, "conf", "sftpgo.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.server.addUser(t, siegeUser)
	return r
}

// needs ends a test for which something is not installed.
func needs(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why + "; run .ci/clients")
	}
	t.Skip(why)
}

func (r *brokerRig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// output runs a command of the server and returns what it prints, whether it ends
// well or not.
func (r *brokerRig) output(args ...string) string {
	r.t.Helper()
	text, err := r.server.output(args...)
	if err != nil {
		return text + "\n" + err.Error()
	}
	return text
}

// contains fails where a text lacks a line that begins with one of want.
func (r *brokerRig) contains(text string, want ...string) {
	r.t.Helper()
	for _, w := range want {
		if !strings.Contains("\n"+text, "\n"+w) {
			r.t.Errorf("%q is missing in\n%s", w, text)
		}
	}
}

// put makes a directory and uploads one file.
func (r *brokerRig) put(name, content string) {
	r.t.Helper()
	c, err := newSFTPActor(r.server.sftp, siegeUser)
	r.check(err)
	defer c.close()
	_ = c.mkdir(filepath.Dir(name)) // it may be there
	r.check(c.put(name, []byte(content)))
}

// putMany uploads n files to /many through several clients, and does something in
// the midst.
func (r *brokerRig) putMany(n int, midst func() error) {
	r.t.Helper()
	const clients = 4
	names := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for range clients {
		c, err := newSFTPActor(r.server.sftp, siegeUser)
		r.check(err)
		defer c.close()
		_ = c.mkdir("/many") // the first one makes it
		wg.Go(func() {
			for name := range names {
				if err := c.put(name, []byte(name)); err != nil {
					mu.Lock()
					errs = append(errs, fmt.Errorf("%s: %w", name, err))
					mu.Unlock()
				}
			}
		})
	}
	done := make(chan error, 1)
	for i := range n {
		if i == n/3 {
			go func() { done <- midst() }()
		}
		names <- fmt.Sprintf("/many/%05d.txt", i)
	}
	close(names)
	wg.Wait()
	r.check(errors.Join(append(errs, <-done)...))
}

// eventually waits until a condition holds; the machine may be slow.
func (r *brokerRig) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within 5 minutes\n%s", what, r.log())
		}
	}
}

func (r *brokerRig) log() string {
	text, _ := os.ReadFile(filepath.Join(r.server.dir, "server.log"))
	return string(text[max(0, len(text)-16<<10):])
}

// end stops the server, which must not have told the secret to anybody.
func (r *brokerRig) end(secret string) {
	r.t.Helper()
	r.check(r.server.stop())
	for _, name := range []string{"server.log", "server.out"} {
		text, err := os.ReadFile(filepath.Join(r.server.dir, name))
		if err == nil && strings.Contains(string(text), secret) {
			r.t.Errorf("%s has %q in it", name, secret)
		}
	}
}
