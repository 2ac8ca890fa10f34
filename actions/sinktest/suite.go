// Package sinktest is the conformance suite of sinks: a new sink is done when it
// passes.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

// Answer is what the receiver says to what arrives.
type Answer string

// The answers of a receiver.
const (
	Accept Answer = "accept" // success in the strict sense
	Refuse Answer = "refuse" // failure
	Hang   Answer = "hang"   // none for a minute
)

// Arrival is one call as the receiver saw it.
type Arrival struct {
	ID   string       // of the event
	Call actions.Call // the parts that the transport carries; of Env those with EnvPrefix
}

// Sink is what the suite tests.
type Sink interface {
	actions.Sink
	actions.Asker
}

// Receiver is a sink with its far end.
type Receiver struct {
	Sink Sink
	// Answer sets what the receiver says from now on; at first it is Accept.
	Answer func(Answer)
	// Arrived returns what has arrived so far, in that order.
	Arrived func() []Arrival
	// NeverExact says that the transport has no answer that is exact.
	NeverExact bool
}

// patience is how long an abandoned call may take to return.
const patience = 10 * time.Second

// Run checks sinks that open makes with the format given.
func Run(t *testing.T, open func(t *testing.T, f actions.Format) Receiver) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, r Receiver)
	}{
		{"what was rendered arrives", testArrives},
		{"a failure is reported and the next try has the same id", testSameID},
		{"only success answers a question with yes", testAsk},
		{"a cancelled context abandons the call", testCancel},
		{"a deadline abandons the call", testDeadline},
		{"nothing is sent after the context ended", testEnded},
		{"what cannot be rendered is not sent", testUnknown},
		{"concurrent deliveries do not mix", testConcurrent},
		{"hostile names arrive unchanged", testHostile},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t, Format{})) })
	}
}

// Event returns an event about a file.
func Event(id, path string) *actions.Event {
	return &actions.Event{
		ID:      id,
		Kind:    actions.UploadDone,
		Time:    time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC),
		Session: actions.Session{User: "alice", Protocol: "SFTP"},
		Object:  actions.Object{Path: path},
		Result:  actions.Result{Status: actions.StatusOK, Size: 1},
	}
}

func testArrives(t *testing.T, r Receiver) {
	e := Event("01A", "/srv/data/alice/a.csv")
	if err := r.Sink.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := r.Arrived()
	if len(got) != 1 {
		t.Fatalf("%d calls arrived, want 1", len(got))
	}
	compare(t, e, got[0])
}

func testSameID(t *testing.T, r Receiver) {
	e := Event("01B", "/srv/data/alice/a.csv")
	r.Answer(Refuse)
	if err := r.Sink.Deliver(t.Context(), e); err == nil {
		t.Error("Deliver says that a refused event has arrived")
	}
	failed := len(r.Arrived())
	r.Answer(Accept)
	if err := r.Sink.Deliver(t.Context(), e); err != nil {
		t.Error(err)
	}
	got := r.Arrived()
	if failed < 1 || len(got) != failed+1 {
		t.Fatalf("%d tries arrived before and %d in all, want at least one and one more", failed, len(got))
	}
	for _, a := range got {
		compare(t, e, a)
	}
}

func testAsk(t *testing.T, r Receiver) {
	e := Event("01C", "/srv/data/alice/a.csv")
	a, err := r.Sink.Ask(t.Context(), e)
	if !a.Accepted || a.Exact == r.NeverExact || err != nil {
		t.Errorf("accepted: Ask = %+v, %v", a, err)
	}
	r.Answer(Refuse)
	if a, _ := r.Sink.Ask(t.Context(), e); a.Accepted || a.Exact {
		t.Error("refused: Ask says yes")
	}
	for _, a := range r.Arrived() {
		compare(t, e, a)
	}
}

func testCancel(t *testing.T, r Receiver) {
	r.Answer(Hang)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- r.Sink.Deliver(ctx, Event("01D", "/a")) }()
	for start := time.Now(); len(r.Arrived()) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("nothing arrived")
		}
	}
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Deliver did not return")
	}
}

func testDeadline(t *testing.T, r Receiver) {
	r.Answer(Hang)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	a, err := r.Sink.Ask(ctx, Event("01E", "/a"))
	if a.Accepted || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ask = %+v, %v, want context.DeadlineExceeded", a, err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
}

func testEnded(t *testing.T, r Receiver) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Sink.Deliver(ctx, Event("01F", "/a")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	if n := len(r.Arrived()); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

func testUnknown(t *testing.T, r Receiver) {
	e := Event("01G", "/a")
	e.Kind = "unknown"
	if err := r.Sink.Deliver(t.Context(), e); !errors.Is(err, errUnknown) {
		t.Errorf("err = %v", err)
	}
	if a, err := r.Sink.Ask(t.Context(), e); a.Accepted || !errors.Is(err, errUnknown) {
		t.Errorf("Ask = %+v, %v", a, err)
	}
	if n := len(r.Arrived()); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

func testConcurrent(t *testing.T, r Receiver) {
	const n = 40
	events := make(map[string]*actions.Event, n)
	var wg sync.WaitGroup
	for i := range n {
		e := Event(fmt.Sprintf("01H%02d", i), fmt.Sprintf("/srv/data/%d", i))
		events[e.ID] = e
		wg.Go(func() {
			if err := r.Sink.Deliver(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := r.Arrived()
	if len(got) != n {
		t.Fatalf("%d calls arrived, want %d", len(got), n)
	}
	for _, a := range got {
		e, ok := events[a.ID]
		if !ok {
			t.Fatalf("id %q arrived twice or was never sent", a.ID)
		}
		delete(events, a.ID)
		compare(t, e, a)
	}
}

func testHostile(t *testing.T, r Receiver) {
	for i, name := range []string{
		"-rf", "--", "$(id)", "`id`", "; rm -rf ~", "a\nb", "a\r\nX-Evil: 1", "\t", "'", `"`, `\`, "*", "%s%n", "a=b",
		"žluťoučký kůň", "日本語", "🚀", "e\u0301", "\u202etxt.exe", " ", "\x7f", "\x1b[2J", strings.Repeat("n", 4000),
	} {
		e := Event(fmt.Sprintf("01I%02d", i), name)
		e.Object.TargetPath = "/" + name
		if err := r.Sink.Deliver(t.Context(), e); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		got := r.Arrived()
		compare(t, e, got[len(got)-1])
	}
}

// compare checks the parts of the call that the transport has carried.
func compare(t *testing.T, e *actions.Event, got Arrival) {
	t.Helper()
	want, err := Format{}.Render(e)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != e.ID {
		t.Errorf("id = %q, want %q", got.ID, e.ID)
	}
	if got.Call.Args == nil && got.Call.Body == nil {
		t.Fatal("neither arguments nor a body arrived")
	}
	if got.Call.Args != nil {
		if d := cmp.Diff(want.Args, got.Call.Args); d != "" {
			t.Errorf("arguments (-want +got)\n%s", d)
		}
		if d := cmp.Diff(want.Env, got.Call.Env); d != "" {
			t.Errorf("environment (-want +got)\n%s", d)
		}
	}
	if got.Call.Body != nil {
		if d := cmp.Diff(string(want.Body), string(got.Call.Body)); d != "" {
			t.Errorf("body (-want +got)\n%s", d)
		}
		if got.Call.ContentType != want.ContentType {
			t.Errorf("content type = %q, want %q", got.Call.ContentType, want.ContentType)
		}
	}
}
