package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// flakyReceiver is the endpoint of a hook that is away now and then: it does not
// listen, answers that it is out of order, or takes an event and dies before the
// answer. It remembers what it was told.
type flakyReceiver struct {
	addr    string
	failing float64 // share of requests that fail while it answers

	mu     sync.Mutex
	srv    *http.Server
	mood   mood
	events map[string]arrival // by id
	count  int                // deliveries, repeated ones included
	faults []string
}

// arrival is what came with an id, and when it came first.
type arrival struct {
	hookEvent
	body  string
	order int
}

type mood int

const (
	answering mood = iota
	outOfOrder
	forgetful // takes the event and does not answer
	away      // does not listen
	moods
)

func newFlakyReceiver() (*flakyReceiver, error) {
	ports, err := quietPorts(1)
	if err != nil {
		return nil, err
	}
	r := &flakyReceiver{addr: fmt.Sprintf("127.0.0.1:%d", ports[0]), events: map[string]arrival{}}
	return r, r.turn(answering)
}

// turn changes the mood.
func (r *flakyReceiver) turn(m mood) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
	if m == away && r.srv != nil {
		_ = r.srv.Close() // cuts what is under way
		r.srv = nil
	}
	if m == away || r.srv != nil {
		return nil
	}
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: r}
	r.srv = srv
	go func() { _ = srv.Serve(l) }() // ends with Close
	return nil
}

// swing changes the mood at random times until stop is closed, and answers then.
func (r *flakyReceiver) swing(rng *rand.Rand, stop <-chan struct{}) error {
	for {
		well := time.Duration(300+rng.IntN(1500)) * time.Millisecond
		select {
		case <-stop:
			return r.turn(answering)
		case <-time.After(well):
		}
		if err := r.turn(1 + mood(rng.IntN(int(moods)-1))); err != nil {
			return err
		}
		select {
		case <-stop:
		case <-time.After(time.Duration(20+rng.IntN(250)) * time.Millisecond):
		}
		if err := r.turn(answering); err != nil {
			return err
		}
	}
}

func (r *flakyReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the server was killed while it told
	}
	switch r.take(req.Header.Get("Idempotency-Key"), string(body)) {
	case outOfOrder:
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case forgetful:
		panic(http.ErrAbortHandler)
	}
}

func (r *flakyReceiver) take(id, body string) mood {
	r.mu.Lock()
	defer r.mu.Unlock()
	mood := r.mood
	if mood == answering && rand.Float64() < r.failing {
		mood = outOfOrder
		if rand.IntN(2) == 0 {
			mood = forgetful
		}
	}
	if mood == outOfOrder {
		return mood
	}
	r.count++
	before, known := r.events[id]
	switch {
	case known && before.body != body:
		r.faults = append(r.faults, fmt.Sprintf("one id, two events: %s and %s", before.body, body))
	case !known:
		a := arrival{body: body, order: r.count}
		if err := json.Unmarshal([]byte(body), &a.hookEvent); err != nil || id == "" {
			r.faults = append(r.faults, fmt.Sprintf("id %q, body %q: %v", id, body, err))
		}
		r.events[id] = a
	}
	return mood
}

// heard is how many events it was told of.
func (r *flakyReceiver) heard() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func (r *flakyReceiver) close() {
	_ = r.turn(away) // closing has no error
}
