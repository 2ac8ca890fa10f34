// Package storetest is the conformance suite of data stores: a store is done
// when it passes.
package storetest

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

// Open returns an empty store that reads the time from now. It closes the store
// at the end of t.
type Open func(t *testing.T, now func() time.Time) dataprovider.Store

// Run tests that the stores which open returns keep the promises of
// dataprovider.Store. Each part gets a store of its own.
func Run(t *testing.T, open Open) {
	parts := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"user", testUsers},
		{"usage", testUsage},
		{"outbox", testOutbox},
		{"order", testOrder},
		{"queue", testQueue},
		{"history", testHistory},
		{"announce", testAnnounce},
		{"properties", testProperties},
		{"lifecycle", testLifecycle},
		{"locks", testLocks},
		{"uploads", testUploads},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.test(t, &fixture{open: open}) })
	}
}

// fixture opens stores on a clock that only the test moves.
type fixture struct{ open Open }

func (f *fixture) store(t *testing.T) (dataprovider.Store, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)}
	return f.open(t, c.now), c
}

// clock is safe for concurrent use.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// must fails the test at once.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// value is must for calls that return something.
func value[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func name(prefix string, i int) string { return prefix + strconv.Itoa(i) }
