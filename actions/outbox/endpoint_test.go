package outbox_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/outbox"
)

// A real endpoint is unplugged, then answers with errors, then works: each event
// arrives, in order per file, with the id that it always had.
func TestUnpluggedEndpoint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()

	cfg := httpsink.DefaultConfig()
	cfg.RetryMax = 0
	client, err := httpsink.NewClient(cfg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	hook, err := httpsink.New(client, "http://"+address, format.SFTPGo{}, httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	settings := outbox.DefaultConfig()
	settings.Poll = 20 * time.Millisecond
	settings.Unreachable = slices.Repeat([]time.Duration{50 * time.Millisecond}, 1000)
	s := newStore()
	d, _ := start(t, s, new(logs), settings, target("hook", hook))

	const events, files = 60, 7
	want := make(map[string][]string)
	for i := range events {
		e := event(fmt.Sprintf("%03d", i), fmt.Sprintf("/f%d", i%files))
		want[e.Object.Path] = append(want[e.Object.Path], e.ID)
		settle(t, s, e, "hook")
		d.Wake()
	}
	time.Sleep(200 * time.Millisecond)

	var mu sync.Mutex
	got := make(map[string][]string)
	requests := 0
	endpoint := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if requests++; requests <= 10 {
			w.WriteHeader(503)
			return
		}
		id := r.Header.Get("Idempotency-Key")
		n, err := strconv.Atoi(id)
		if err != nil {
			t.Errorf("id %q", id)
		}
		path := fmt.Sprintf("/f%d", n%files)
		got[path] = append(got[path], id)
	}))
	endpoint.Listener.Close()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		// Nobody listens there, but a connection to elsewhere may have the port for a moment.
		if endpoint.Listener, err = net.Listen("tcp", address); err == nil {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("the port was taken meanwhile: %v", err)
		}
	}
	endpoint.Start()
	defer endpoint.Close()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		queued, dead := s.waiting()
		if queued == 0 && dead == 0 {
			break
		}
		if dead > 0 || time.Since(begin) > 20*time.Second {
			t.Fatalf("%d queued, %d dead", queued, dead)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events per file (-settled +received)\n%s", d)
	}
}

// counts is a Metrics.
type counts struct {
	mu                      sync.Mutex
	delivered, failed, dead int
}

func (c *counts) add(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

func (c *counts) Held(string, string)                            {}
func (c *counts) Delivered(string, time.Duration, time.Duration) { c.add(&c.delivered) }
func (c *counts) Failed(string, time.Duration)                   { c.add(&c.failed) }
func (c *counts) Dead(string)                                    { c.add(&c.dead) }

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStore(), new(counts)
		hook := &sink{deliver: rejectFirst}
		settle(t, s, event("01A", "/a"), "hook")
		settle(t, s, event("01B", "/b"), "hook")
		d, err := outbox.New(s, outbox.Hooks{Targets: []outbox.Target{target("hook", hook)}}, c, new(logs).logger(), outbox.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		runFor(t, d, 24*time.Hour)
		if c.delivered != 1 || c.failed != 10 || c.dead != 1 {
			t.Errorf("%d delivered, %d failed, %d dead, want 1, 10, 1", c.delivered, c.failed, c.dead)
		}
	})
}
