//go:build unix

package main

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL is stopped and started again while clients upload. What the servers
// acknowledged, before, while and after, the hook hears of, in order.
func TestTwoServersLoseTheirDatabase(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	stop := make(chan struct{})
	acknowledged := make([]map[string][]int64, 4)
	var all sync.WaitGroup
	for i, protocol := range []string{viaSFTP, viaDAV, viaSFTP, viaDAV} {
		mine := map[string][]int64{}
		acknowledged[i] = mine
		all.Go(func() {
			for version := 1; ; version++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("/c%d-%d", i, version%3)
				if err := p.putOnce(protocol, version%2, name, make([]byte, version)); err == nil {
					mine[name] = append(mine[name], int64(version))
				}
			}
		})
	}
	enough := func(n int) bool {
		return eventually(time.Minute, func() bool { p.hook.mu.Lock(); defer p.hook.mu.Unlock(); return len(p.hook.times) >= n })
	}
	if !enough(40) {
		t.Error("the servers are too slow")
	}
	p.database.Down(t)
	time.Sleep(2 * time.Second) // is the length of the fault
	p.database.Up(t)
	p.hook.mu.Lock()
	before := len(p.hook.times)
	p.hook.mu.Unlock()
	if !enough(before + 40) {
		t.Error("the servers do not go on")
	}
	close(stop)
	all.Wait()
	for i, s := range p.servers { // what the store did not take is told before the end
		if err := s.stop(); err != nil {
			t.Errorf("server %d: %v", i, err)
		}
	}
	if err := p.servers[0].start(); err != nil {
		t.Fatal(err)
	}
	p.drained()
	for _, mine := range acknowledged {
		for name, versions := range mine {
			// What was not acknowledged may be heard of when the server could tell.
			var heard []int64
			for _, e := range p.hook.heard[p.servers[0].data(siegeUser)+name] {
				if e.Status == 1 && slices.Contains(versions, e.FileSize) {
					heard = append(heard, e.FileSize)
				}
			}
			if !slices.Equal(heard, versions) {
				t.Errorf("%s: acknowledged %v, heard of %v", name, versions, heard)
			}
		}
	}
	p.checkUsage()
}

// One of two servers freezes under load, in the midst of what it does with the
// database. The other one goes on; nobody takes the frozen one for gone, which
// finishes when it thaws.
func TestOneOfTwoServersFrozen(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	stop := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	uploads := map[string]bool{}
	for i := range 4 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if name := fmt.Sprintf("/c%d-%d", i, n); p.putOnce(viaDAV, i%2, name, []byte(name)) == nil {
					mu.Lock()
					uploads[name] = true
					mu.Unlock()
				}
			}
		})
	}
	busy := func(more int) bool {
		p.hook.mu.Lock()
		before := len(p.hook.times)
		p.hook.mu.Unlock()
		return eventually(time.Minute, func() bool { p.hook.mu.Lock(); defer p.hook.mu.Unlock(); return len(p.hook.times) >= before+more })
	}
	if !busy(40) {
		t.Error("the servers are too slow")
	}
	if err := p.servers[0].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if !busy(40) {
		t.Error("the other server does not go on")
	}
	if err := p.servers[0].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if !busy(40) {
		t.Error("the servers do not go on")
	}
	close(stop)
	all.Wait()
	p.drained()
	for name := range uploads {
		if n := len(p.hook.heard[p.servers[0].data(siegeUser)+name]); n != 1 {
			t.Errorf("%s was acknowledged, and heard of %d times", name, n)
		}
	}
	p.checkUsage()
	for i, s := range p.servers {
		if err := s.stop(); err != nil {
			t.Errorf("server %d: %v", i, err)
		}
	}
}

// putOnce logs in, uploads and leaves.
func (p *pair) putOnce(protocol string, server int, name string, content []byte) error {
	actors, err := p.actors(protocol)
	for _, a := range actors {
		defer a.close()
	}
	if err != nil {
		return err
	}
	return actors[server].put(name, content)
}
