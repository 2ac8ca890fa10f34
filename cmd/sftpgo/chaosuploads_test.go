package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var chaosUploads = flag.Int("uploads", 10000, "of TestChaosUploads, in each upload mode")

// TestChaosUploads uploads over all protocols while the server is killed every few
// seconds, and the receiver of events fails three requests of ten and is away for a
// minute. Nothing that was acknowledged is lost.
func TestChaosUploads(t *testing.T) {
	if !*chaos {
		t.Skip("takes minutes: make chaos")
	}
	for mode := range 3 {
		t.Run(fmt.Sprintf("upload mode %d", mode), func(t *testing.T) {
			newStorm(t, mode, *chaosUploads, 2*time.Second, time.Minute).run()
		})
	}
}

// TestCrashUploads is a small TestChaosUploads.
func TestCrashUploads(t *testing.T) {
	t.Parallel()
	for mode := range 3 {
		t.Run(fmt.Sprintf("upload mode %d", mode), func(t *testing.T) {
			t.Parallel()
			newStorm(t, mode, 240, 400*time.Millisecond, time.Second).run()
		})
	}
}

// storm is a server and the clients that upload to it.
type storm struct {
	t       *testing.T
	mode    int
	total   int
	pause   time.Duration // between kills, about
	absence time.Duration // of the receiver
	server  *realServer
	hook    *flakyReceiver

	number atomic.Int64 // of uploads that were acknowledged
	kills  atomic.Int64

	mu      sync.Mutex
	acked   map[string][]int64 // sizes by path, in order
	refused []error
}

// The users of a storm: events of the one are recorded in a transaction with the
// usage, those of the other without.
const (
	countedUser = "counted"
	freeUser    = "free"
)

// thinking is how long a client rests at most: what it uploads between two kills is to
// be told of in the end, with pauses after all that fails.
const thinking = 20 * time.Millisecond

// stormNames is how many files a client writes again and again.
const stormNames = 7

func newStorm(t *testing.T, mode, total int, pause, absence time.Duration) *storm {
	hook, err := newFlakyReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hook.close)
	hook.failing = 0.3
	s := &storm{t: t, mode: mode, total: total, pause: pause, absence: absence, hook: hook, acked: map[string][]int64{}}
	s.server = newRealServer(t, fmt.Sprintf("SFTPGO_COMMON__UPLOAD_MODE=%d", mode),
		"SFTPGO_DATA_PROVIDER__TRACK_QUOTA=2", "SFTPGO_HTTP__RETRY_MAX=0",
		"SFTPGO_HOOKS__0__NAME=storm", "SFTPGO_HOOKS__0__TARGET=http://"+hook.addr+"/", "SFTPGO_HOOKS__0__FORMAT=sftpgo",
		"SFTPGO_HOOKS__0__EVENTS=upload", "SFTPGO_HOOKS__0__RETRY__PAUSE=1", "SFTPGO_HOOKS__0__RETRY__LONGEST_PAUSE=2",
		"SFTPGO_HOOKS__0__RETRY__TRIES=1000")
	s.server.addUser(t, countedUser, "--quota-size", "1TiB")
	s.server.addUser(t, freeUser)
	return s
}

func (s *storm) run() {
	begin := time.Now()
	if err := s.server.start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	var clients sync.WaitGroup
	for i, user := range []string{countedUser, freeUser} {
		for _, protocol := range []string{viaSFTP, viaSCP, viaFTP, viaDAV} {
			dir := fmt.Sprintf("/%s%d", protocol, i)
			if err := os.MkdirAll(s.server.data(user)+dir, 0o755); err != nil {
				s.t.Fatal(err)
			}
			clients.Go(func() { s.upload(protocol, user, dir) })
		}
	}
	var away sync.WaitGroup
	away.Go(s.leave)
	go func() {
		clients.Wait()
		close(ended)
	}()
	if err := s.killUntil(ended); err != nil {
		s.t.Fatal(err)
	}
	away.Wait()
	if err := s.drain(); err != nil {
		s.t.Error(err)
	}
	s.judge(time.Since(begin))
}

// leave takes the receiver away once, in the middle.
func (s *storm) leave() {
	for s.number.Load() < int64(s.total/2) {
		time.Sleep(10 * time.Millisecond)
	}
	err := s.hook.turn(away)
	time.Sleep(s.absence)
	if err = errors.Join(err, s.hook.turn(answering)); err != nil {
		s.t.Error(err)
	}
}

// leastKills is how often the server is killed at least while clients upload.
const leastKills = 3

// killUntil kills the server again and again while clients upload.
func (s *storm) killUntil(ended <-chan struct{}) error {
	for {
		select {
		case <-ended:
			return nil
		case <-time.After(s.pause/2 + rand.N(s.pause)):
		}
		s.server.kill()
		s.kills.Add(1)
		if err := s.server.start(); err != nil {
			return fmt.Errorf("after kill %d: %w", s.kills.Load(), err)
		}
	}
}

// upload is the life of one client. Each version of a file is longer than the one
// before.
func (s *storm) upload(protocol, user, dir string) {
	var c actor
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	for size := int64(1); s.t.Context().Err() == nil; size++ {
		if s.number.Load() >= int64(s.total) && s.kills.Load() >= leastKills {
			return
		}
		name := fmt.Sprintf("%s/f%d", dir, size%stormNames)
		for c == nil {
			var err error
			if c, err = dialActor(s.server, protocol, user); err != nil {
				c = nil
				time.Sleep(20 * time.Millisecond)
			}
			if s.t.Context().Err() != nil {
				return
			}
		}
		err := c.put(name, make([]byte, size))
		var no *refusedError
		switch {
		case err == nil:
			s.mu.Lock()
			path := s.server.data(user) + name
			s.acked[path] = append(s.acked[path], size)
			s.mu.Unlock()
			s.number.Add(1)
			time.Sleep(rand.N(thinking))
			continue
		case errors.As(err, &no):
			s.mu.Lock()
			s.refused = append(s.refused, fmt.Errorf("%s %s: %w", protocol, name, err))
			s.mu.Unlock()
		}
		c.close() // killed; whether it was done the client does not know
		c = nil
	}
}

// drain waits until the receiver has heard of all, as long as it hears anything, and
// stops the server.
func (s *storm) drain() error {
	store := s.server.store(s.t)
	for last, since := -1, time.Now(); ; time.Sleep(50 * time.Millisecond) {
		backlog, err := store.Outbox().Backlog(s.t.Context())
		if err != nil {
			return fmt.Errorf("waiting for the hook to hear of all: %w", err)
		}
		heard := s.hook.heard()
		// What was recorded last is a moment later where other processes see it.
		if len(backlog) == 0 && heard >= s.least() {
			return s.server.stop()
		}
		if heard != last {
			last, since = heard, time.Now()
		}
		if time.Since(since) > 2*time.Minute {
			return fmt.Errorf("the hook hears nothing any more: %+v", backlog)
		}
	}
}

// least is how many events there must be.
func (s *storm) least() (n int) {
	for _, sizes := range s.acked {
		n += len(sizes)
	}
	return n
}

// judge compares what was acknowledged with what the receiver was told.
func (s *storm) judge(took time.Duration) {
	told := map[string][]arrival{}
	for _, e := range s.hook.events {
		if e.Status == 1 {
			told[e.Path] = append(told[e.Path], e)
		}
	}
	lost, twice, disorder, acked := 0, 0, 0, 0
	for path, sizes := range s.acked {
		events := told[path]
		slices.SortFunc(events, func(x, y arrival) int { return x.order - y.order })
		for i := range events {
			if i > 0 && events[i].FileSize <= events[i-1].FileSize {
				disorder++
				s.t.Errorf("%s: the event of version %d came after that of version %d", path, events[i].FileSize, events[i-1].FileSize)
			}
		}
		for _, size := range sizes {
			acked++
			switch n := count(events, size); {
			case n == 0:
				lost++
				s.t.Errorf("%s: nobody was told of version %d", path, size)
			case n > 1:
				twice++
				s.t.Errorf("%s: version %d has %d ids", path, size, n)
			}
		}
	}
	for _, fault := range s.hook.faults {
		s.t.Error(fault)
	}
	for _, err := range s.refused {
		s.t.Errorf("refused: %v", err)
	}
	s.t.Logf("upload mode %d: %d kills in %v; %d uploads acknowledged, %d events in %d deliveries; out of order: %d, under two ids: %d, lost events: %d",
		s.mode, s.kills.Load(), took.Round(time.Second), acked, len(s.hook.events), s.hook.count, disorder, twice, lost)
}

func count(events []arrival, size int64) (n int) {
	for _, e := range events {
		if e.FileSize == size {
			n++
		}
	}
	return n
}
