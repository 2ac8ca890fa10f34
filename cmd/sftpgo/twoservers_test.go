//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
)

// countingHook counts what it is told, by event. While it is held it answers
// nobody.
type countingHook struct {
	*httptest.Server
	mu     sync.Mutex
	times  map[string]int         // an event was delivered
	heard  map[string][]hookEvent // of a file, in the order of their arrival
	gate   chan struct{}          // nil: open
	inside int                    // requests at the gate
}

func newCountingHook(t *testing.T) *countingHook {
	h := &countingHook{times: map[string]int{}, heard: map[string][]hookEvent{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// hold makes all requests wait until the function that it returns is called.
func (h *countingHook) hold() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gate := make(chan struct{})
	h.gate = gate
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.gate = nil
		close(gate)
	})
}

func (h *countingHook) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.inside
}

func (h *countingHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e hookEvent
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	gate := h.gate
	h.inside++
	h.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inside--
	if r.Context().Err() != nil {
		return // the server was killed while it told
	}
	id := r.Header.Get("Idempotency-Key")
	if h.times[id]++; h.times[id] == 1 {
		h.heard[e.Path] = append(h.heard[e.Path], e)
	}
}

// pair is two servers on one database and one tree of homes.
type pair struct {
	*testing.T
	database *pgtest.Server
	url      string
	servers  [2]*realServer
	store    *sqlstore.Store
	hook     *countingHook
}

func newPair(t *testing.T) *pair {
	p := &pair{T: t, database: pgtest.Start(t), hook: newCountingHook(t)}
	p.url = p.database.Schema(t)
	settings := []string{
		"SFTPGO_DATA_PROVIDER__DRIVER=postgresql", "SFTPGO_DATA_PROVIDER__CONNECTION_STRING=" + p.url,
		"SFTPGO_COMMON__ACTIONS__HOOK=" + p.hook.URL, "SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload",
		"SFTPGO_HTTP__RETRY_MAX=0", "SFTPGO_HTTP__TIMEOUT=60",
	}
	p.servers[0] = newRealServer(t, settings...)
	p.servers[1] = newRealServer(t, append(settings, "SFTPGO_DATA_PROVIDER__USERS_BASE_DIR="+p.servers[0].data(""))...)
	p.servers[0].addUser(t, siegeUser, "--quota-size", "1TiB")
	for _, s := range p.servers {
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Postgres{ConnectionString: p.url, UpdateMode: 1})
	if err != nil {
		t.Fatal(err)
	}
	p.store = store
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// actors logs in over one protocol at both servers.
func (p *pair) actors(protocol string) (list []actor, err error) {
	for _, s := range p.servers {
		var a actor
		switch protocol {
		case viaSFTP:
			a, err = newSFTPActor(s.sftp, siegeUser)
		case viaFTP:
			a, err = newFTPActor(s.ftp, siegeUser)
		default:
			a = newDAVActor(s.dav, siegeUser)
		}
		if err != nil {
			return list, err
		}
		list = append(list, a)
	}
	return list, nil
}

// upload sends rounds versions of each of some files, each a byte longer than the
// one before, by turns to both servers.
func (p *pair) upload(protocol, dir string, files, rounds int) error {
	actors, err := p.actors(protocol)
	for _, a := range actors {
		defer a.close()
	}
	if err != nil {
		return err
	}
	if err := actors[0].mkdir(dir); err != nil {
		return err
	}
	for round := range rounds {
		for file := range files {
			name := fmt.Sprintf("%s/f%d", dir, file)
			if err := actors[(round+file)%2].put(name, make([]byte, 1+round)); err != nil {
				return fmt.Errorf("%s, version %d: %w", name, round, err)
			}
		}
	}
	return nil
}

// load uploads from six clients at a time, and returns the number of uploads.
func (p *pair) load(dir string, files, rounds int) int {
	p.Helper()
	protocols := []string{viaSFTP, viaFTP, viaDAV, viaSFTP, viaFTP, viaDAV}
	var all sync.WaitGroup
	for i, protocol := range protocols {
		all.Go(func() {
			if err := p.upload(protocol, fmt.Sprintf("/%s%d", dir, i), files, rounds); err != nil {
				p.Errorf("%s: %v", protocol, err)
			}
		})
	}
	all.Wait()
	if p.Failed() {
		p.FailNow()
	}
	return len(protocols) * files * rounds
}

// drained waits until nothing is to be delivered any more.
func (p *pair) drained() {
	p.Helper()
	var backlog []dataprovider.Backlog
	var err error
	if !eventually(3*time.Minute, func() bool {
		backlog, err = p.store.Outbox().Backlog(p.Context())
		return err == nil && len(backlog) == 0
	}) {
		p.Fatalf("events wait: %+v %v", backlog, err)
	}
	if !eventually(patience, func() bool { return p.hook.waiting() == 0 }) {
		p.Error("the hook is told of something, and nothing waits")
	}
}

// checkOrder holds that the hook heard of the versions of each file in their order.
func (p *pair) checkOrder() {
	p.Helper()
	for name, events := range p.hook.heard {
		sizes := make([]int64, 0, len(events))
		for _, e := range events {
			if e.Status == 1 {
				sizes = append(sizes, e.FileSize)
			}
		}
		if !slices.IsSorted(sizes) || len(slices.Compact(slices.Clone(sizes))) != len(sizes) {
			p.Errorf("%s: versions in the order %v", name, sizes)
		}
	}
}

func (p *pair) checkUsage() {
	p.Helper()
	there, staged, err := stored(p.servers[0].data(siegeUser))
	if err != nil || len(staged) > 0 {
		p.Error("on the disk:", staged, err)
	}
	used, err := p.store.Usage().Get(p.Context(), siegeUser)
	if err != nil || used.Amount != there {
		p.Errorf("usage %+v, on the disk %+v, %v", used.Amount, there, err)
	}
}

// Two servers share the work: without faults each event is delivered exactly once,
// in the order of its file, whoever took the upload.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	files, rounds := 6, 12
	if *chaos {
		files, rounds = 17, 99
	}
	start := time.Now()
	uploads := p.load("dir", files, rounds)
	took := time.Since(start)
	p.drained()
	t.Logf("%d uploads through two servers in %v, delivered in %v", uploads, took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	if len(p.hook.times) != uploads {
		t.Errorf("%d events were delivered, of %d uploads", len(p.hook.times), uploads)
	}
	for id, n := range p.hook.times {
		if n != 1 {
			t.Errorf("event %s was delivered %d times", id, n)
		}
	}
	p.checkOrder()
	p.checkUsage()
	for i, s := range p.servers {
		if n := s.delivered(t); n == 0 {
			t.Errorf("server %d delivered nothing", i)
		}
		if err := s.stop(); err != nil {
			t.Errorf("server %d: %v", i, err)
		}
	}
}

// delivered is what the metrics of a server say.
func (p *realServer) delivered(t *testing.T) (n float64) {
	t.Helper()
	resp, err := http.Get("http://" + p.telemetry + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "sftpgo_hook_deliveries_total{") && strings.Contains(line, `"ok"`) {
			var v float64
			if _, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &v); err != nil {
				t.Fatal(err)
			}
			n += v
		}
	}
	return n
}

// One of two servers is killed while it delivers and while a client uploads to it.
// The other one delivers what it had in hand, and tells of what was cut short.
func TestOneOfTwoServersKilled(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	release := p.hook.hold()
	defer release()
	uploads := p.load("dir", 2, 3) // fewer files than a server has workers
	files := 6 * 2
	if !eventually(time.Minute, func() bool { return p.hook.waiting() == files }) {
		t.Fatalf("%d of %d files: the hook was called", p.hook.waiting(), files)
	}
	part := make([]byte, 1000)
	a, err := newSFTPActor(p.servers[0].sftp, siegeUser)
	if err != nil {
		t.Fatal(err)
	}
	cutShort := p.servers[0].data(filepath.Join(siegeUser, "cut"))
	err = a.cutUpload("/cut", part, len(part), func() error {
		if !eventually(time.Minute, func() bool { fi, err := os.Stat(cutShort); return err == nil && fi.Size() == int64(len(part)) }) {
			return errors.New("the upload did not arrive")
		}
		p.servers[0].kill()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	release()
	told := eventually(3*time.Minute, func() bool {
		p.hook.mu.Lock()
		defer p.hook.mu.Unlock()
		return len(p.hook.heard[cutShort]) > 0
	})
	p.drained()
	if !told || len(p.hook.heard[cutShort]) != 1 || p.hook.heard[cutShort][0].Status == 1 {
		t.Errorf("the upload that was cut short: %+v", p.hook.heard[cutShort])
	}
	if n := len(p.hook.times); n != uploads+1 {
		t.Errorf("%d events were delivered, of %d uploads and one that was cut short: %v", n, uploads, slices.Sorted(maps.Keys(p.hook.heard)))
	}
	p.checkOrder()
	p.checkUsage()
	if err := p.servers[1].stop(); err != nil {
		t.Error(err)
	}
}
