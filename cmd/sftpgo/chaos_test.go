package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider/sqlstore"
)

var (
	chaos = flag.Bool("chaos", false, "run TestChaos, which takes minutes")
	kills = flag.Int("kills", 100, "how often TestChaos kills the server, in each upload mode")
	seed  = flag.Uint64("seed", 0, "of TestChaos and TestCrash; 0 is another one each time")
)

// siegeUser is the account of all load clients.
const siegeUser = "alice"

// TestChaos kills the server at random moments under load and holds that what it
// acknowledged is complete, counted once and told at least once under one id.
func TestChaos(t *testing.T) {
	if !*chaos {
		t.Skip("takes minutes: make chaos")
	}
	for mode := range 2 {
		t.Run(fmt.Sprintf("upload mode %d", mode), func(t *testing.T) { besiege(t, mode, *kills) })
	}
}

// TestCrash is a small TestChaos.
func TestCrash(t *testing.T) {
	t.Parallel()
	for mode := range 2 {
		t.Run(fmt.Sprintf("upload mode %d", mode), func(t *testing.T) {
			t.Parallel()
			besiege(t, mode, 4)
		})
	}
}

// siege is one server and all that happens to it.
type siege struct {
	t       *testing.T
	mode    int
	rng     *rand.Rand // of the test's own goroutine
	server  *realServer
	store   *sqlstore.Store
	hook    *flakyReceiver
	clients []*loadClient
	shared  sharedLog
	final   map[string]*operation // of shared names: what the last start found

	clock   atomic.Int64
	pieces  atomic.Uint64
	killing atomic.Bool // from here on a lost connection is no fault
	starts  int         // killed before they were ready
}

func besiege(t *testing.T, mode, kills int) {
	start := time.Now()
	number := *seed
	if number == 0 {
		number = rand.Uint64()
	}
	t.Logf("-seed %d", number)
	g := newSiege(t, mode, number)
	stop := make(chan struct{})
	var swinging sync.WaitGroup
	moody := rand.New(rand.NewPCG(number, 99))
	swinging.Go(func() {
		if err := g.hook.swing(moody, stop); err != nil {
			t.Error(err)
		}
	})
	for n := range kills {
		if err := g.cycle(); err != nil {
			t.Errorf("kill %d: %v", n, err)
			break
		}
	}
	close(stop)
	swinging.Wait()
	if err := g.end(); err != nil {
		t.Error(err)
	}
	g.report(kills, time.Since(start))
}

func newSiege(t *testing.T, mode int, number uint64) *siege {
	hook, err := newFlakyReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hook.close)
	g := &siege{
		t: t, mode: mode, hook: hook, rng: rand.New(rand.NewPCG(number, 0)), final: map[string]*operation{},
		server: newRealServer(t, fmt.Sprintf("SFTPGO_COMMON__UPLOAD_MODE=%d", mode),
			"SFTPGO_COMMON__ACTIONS__HOOK=http://"+hook.addr+"/", "SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload,delete,rename",
			"SFTPGO_HTTP__RETRY_MAX=0"),
	}
	t.Cleanup(g.keepEvidence)
	// Limits far away: they are not met, but all that keeps them works.
	g.server.addUser(t, siegeUser, "--quota-size", "1TiB", "--quota-files", "1000000")
	g.store = g.server.store(t)
	for i, protocol := range []string{viaSFTP, viaFTP, viaDAV, viaSFTP, viaFTP, viaDAV} {
		c := &loadClient{
			siege: g, protocol: protocol, dir: fmt.Sprintf("/own%d", i), known: map[string]piece{},
			rng: rand.New(rand.NewPCG(number, uint64(i)+1)),
		}
		for n := range ownNames {
			c.known[fmt.Sprintf("%s/f%d", c.dir, n)] = nothing
		}
		g.clients = append(g.clients, c)
		if err := os.MkdirAll(g.path(c.dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"/shared", "/moving/d0"} {
		if err := os.MkdirAll(g.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *siege) path(name string) string { return g.server.data(siegeUser) + filepath.FromSlash(name) }
func (g *siege) tick() int64             { return g.clock.Add(1) }
func (g *siege) id() uint64              { return g.pieces.Add(1) }

// lost tells whether the end of a client is a fault: only the kill may end it.
func (g *siege) lost(what string, err error) error {
	var no *refusedError
	if g.killing.Load() && !errors.As(err, &no) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// cycle starts the server, looks at what it found, and kills it under load. Now
// and then a start is killed as well.
func (g *siege) cycle() error {
	for g.rng.IntN(6) == 0 {
		if err := g.server.launch(); err != nil {
			return err
		}
		time.Sleep(time.Duration(g.rng.IntN(200)) * time.Millisecond)
		g.server.kill()
		g.starts++
	}
	if err := g.server.start(); err != nil {
		return err
	}
	if err := g.check(); err != nil {
		g.server.kill()
		return fmt.Errorf("after the start: %w", err)
	}
	g.killing.Store(false)
	faults := make(chan error, len(g.clients))
	for _, c := range g.clients {
		go func() { faults <- c.run() }()
	}
	// Rather too early than too late: most races are near the start.
	time.Sleep(time.Duration(g.rng.IntN(1+g.rng.IntN(2000))) * time.Millisecond)
	g.killing.Store(true)
	g.server.kill()
	var errs []error
	for range g.clients {
		errs = append(errs, <-faults)
	}
	return errors.Join(errs...)
}

// check looks at disk and accounts while nobody changes anything.
func (g *siege) check() error {
	var errs []error
	var left []string
	swept := eventually(10*time.Second, func() bool {
		_, staged, err := stored(g.path("/"))
		left = staged
		return err == nil && len(staged) == 0
	})
	if !swept {
		errs = append(errs, fmt.Errorf("left behind, not swept: %v", left))
	}
	for _, c := range g.clients {
		errs = append(errs, c.resolve(), c.check())
	}
	errs = append(errs, g.checkShared(), g.checkUsage())
	return errors.Join(errs...)
}

func (g *siege) checkUsage() error {
	there, _, err := stored(g.path("/"))
	if err != nil {
		return err
	}
	used, err := g.store.Usage().Get(g.t.Context(), siegeUser)
	if err != nil {
		return err
	}
	if used.Amount != there {
		return fmt.Errorf("usage %+v, on the disk %+v", used.Amount, there)
	}
	return nil
}

// end lets the hook hear of all, stops the server and checks once more.
func (g *siege) end() error {
	if err := g.server.start(); err != nil {
		return err
	}
	errs := []error{g.check()}
	ctx, cancel := context.WithTimeout(g.t.Context(), 4*time.Minute)
	defer cancel()
	for {
		backlog, err := g.store.Outbox().Backlog(ctx)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("waiting for the hook to hear of all: %w", err))...)
		}
		if len(backlog) == 0 {
			break
		}
		if backlog[0].Dead > 0 {
			return errors.Join(append(errs, fmt.Errorf("%d events were given up", backlog[0].Dead))...)
		}
		time.Sleep(20 * time.Millisecond)
	}
	errs = append(errs, g.server.stop(), g.check(), g.checkEvents())
	return errors.Join(errs...)
}

func (g *siege) report(kills int, took time.Duration) {
	counts := map[outcome]int{}
	for _, c := range g.clients {
		for _, o := range c.log {
			counts[o.outcome]++
		}
	}
	for _, o := range g.shared.all {
		counts[o.outcome]++
	}
	g.t.Logf("upload mode %d: %d kills under load and %d of starts in %v; %d operations acknowledged, %d refused, %d without answer; %d events in %d deliveries",
		g.mode, kills, g.starts, took.Round(time.Second), counts[acked], counts[refused], counts[unknown], len(g.hook.events), g.hook.count)
}

// keepEvidence saves what a fault is to be understood from.
func (g *siege) keepEvidence() {
	if !g.t.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", "sftpgo-siege-")
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(g.server.dir))
	}
	g.t.Logf("evidence: %s %v", dir, err)
}
