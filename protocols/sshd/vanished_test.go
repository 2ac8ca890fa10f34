//go:build unix

package sshd_test

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

// TestVanishedClients: of a client that goes without a word, with a session open,
// nothing is left.
func TestVanishedClients(t *testing.T) {
	const clients = 300
	r := start(t, func(s *setup) { s.idle = time.Hour })
	vanish := func() {
		c, err := rawDial(r.addr, "")
		must(t, err)
		defer c.Close()
		must(t, errors.Join(c.greet(), c.exchange(), c.logIn(), c.openChannel(1<<20)))
		must(t, c.data(make([]byte, 3))) // the beginning of a packet
	}
	idle := runtime.NumGoroutine()
	vanish()
	eventually(t, "the end of a connection", func() bool { return runtime.NumGoroutine() <= idle })
	before := runtime.NumGoroutine()
	check := flat(t, clients*8<<10)
	for range clients {
		vanish()
	}
	eventually(t, "the end of all connections", func() bool { return runtime.NumGoroutine() <= before })
	check()
}
