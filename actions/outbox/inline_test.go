package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

// answering is a sink that is asked as well; both note the attempt.
type answering struct {
	sink
	answer func(e *actions.Event) (actions.Answer, error)
}

func (a *answering) Ask(_ context.Context, e *actions.Event) (actions.Answer, error) {
	answer, err := a.answer(e)
	failed := err
	if err == nil && !answer.Accepted {
		failed = actions.ErrRejected
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, arrival{e.ID, time.Now(), failed})
	return answer, err
}

// inLineTarget waits for uploads and deletions.
func inLineTarget(a *answering) outbox.Target {
	t := target("hook", a)
	t.InLine = []actions.Kind{actions.UploadDone, actions.DeleteDone}
	return t
}

// settled records an event as the session layer does, and returns what to wait for.
func settled(t testing.TB, s dataprovider.Outbox, d *outbox.Dispatcher, e actions.Event) actions.Awaited {
	t.Helper()
	awaited := d.Expect(&e)
	body, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Settle(t.Context(), 0, dataprovider.Settlement{
		EventID: e.ID, Event: body, Keys: e.Keys(), Targets: d.Route(&e),
	}); err != nil {
		t.Fatal(err)
	}
	d.Recorded([]string{"hook"})
	d.Wake()
	return awaited
}

func about(id string, k actions.Kind, path string) actions.Event {
	return actions.Event{ID: id, Kind: k, Object: actions.Object{Path: path}}
}

// empty waits until nothing is queued.
func empty(t *testing.T, s dataprovider.Outbox) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		list, err := s.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		queued := int64(0)
		for _, b := range list {
			queued += b.Queued + b.Dead
		}
		if queued == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting: %+v", list)
		}
	}
}

// What the hook says about an upload is the outcome, and it is not told twice.
func TestInLineDecides(t *testing.T) {
	store := memstore.New(memstore.Config{}).Outbox()
	answers := map[string]actions.Answer{
		"/ok":       {Accepted: true, Status: 204},
		"/exit":     {Body: []byte(`{"message": "too late"}`)},
		"/broken":   {Status: 500, ContentType: "text/plain", Body: []byte("full")},
		"/refusing": {Status: 404, Body: []byte("no such thing")},
	}
	a := &answering{answer: func(e *actions.Event) (actions.Answer, error) {
		answer, ok := answers[e.Object.Path]
		if !ok {
			return answer, errors.New("connection refused")
		}
		return answer, nil
	}}
	d, _ := start(t, store, &logs{}, outbox.DefaultConfig(), inLineTarget(a))
	for i, c := range []struct {
		path, body string
		status     int
		want       error
	}{
		{"/ok", "", 0, nil},
		{"/exit", "too late", 0, actions.ErrDenied},
		{"/broken", "full", 500, actions.ErrUnanswered},
		{"/refusing", "no such thing", 404, actions.ErrDenied},
		{"/away", "", 0, actions.ErrUnanswered},
	} {
		awaited := settled(t, store, d, about(fmt.Sprintf("01%d", i), actions.UploadDone, c.path))
		if !awaited.Decides() {
			t.Errorf("%s does not decide", c.path)
		}
		err := awaited.Wait(t.Context())
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.path, err)
		}
		var denial *actions.Denial
		if errors.As(err, &denial); denial != nil && (denial.Body != c.body || denial.Status != c.status) || denial == nil && c.body != "" {
			t.Errorf("%s: %+v", c.path, denial)
		}
	}
	empty(t, store)
	if n := len(a.attempts()); n != 5 {
		t.Errorf("%d attempts", n)
	}
}

// Of other events the failure is nobody's business, and they are tried again.
func TestInLineDoesNotDecide(t *testing.T) {
	store := memstore.New(memstore.Config{}).Outbox()
	a := &answering{}
	tries := 0
	a.deliver = func(context.Context, *actions.Event) error {
		if tries++; tries < 3 {
			return actions.ErrRejected
		}
		return nil
	}
	cfg := outbox.DefaultConfig()
	cfg.Rejected = []time.Duration{0, 0, 0}
	cfg.Poll = 5 * time.Millisecond
	d, _ := start(t, store, &logs{}, cfg, inLineTarget(a))
	awaited := settled(t, store, d, about("01A", actions.DeleteDone, "/f"))
	if awaited.Decides() {
		t.Error("a deletion decides")
	}
	if err := awaited.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if len(a.attempts()) == 0 {
		t.Error("nobody waited")
	}
	empty(t, store)
	if n := len(a.attempts()); n != 3 {
		t.Errorf("%d attempts", n)
	}
	other := about("01B", actions.RenameDone, "/f")
	if d.Expect(&other) != nil {
		t.Error("somebody waits for an event that is not in line")
	}
}

// An event in line has its place behind earlier ones of the file.
func TestInLineOrder(t *testing.T) {
	store := memstore.New(memstore.Config{}).Outbox()
	release := make(chan struct{})
	a := &answering{answer: func(*actions.Event) (actions.Answer, error) { return actions.Answer{Accepted: true}, nil }}
	a.deliver = func(context.Context, *actions.Event) error {
		<-release
		return nil
	}
	d, _ := start(t, store, &logs{}, outbox.DefaultConfig(), inLineTarget(a))
	settled(t, store, d, about("01A", actions.RenameDone, "/f"))
	awaited := settled(t, store, d, about("01B", actions.UploadDone, "/f"))
	ended := make(chan error, 1)
	go func() { ended <- awaited.Wait(t.Context()) }()
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	empty(t, store)
	if diff := cmp.Diff([]string{"01A", "01B"}, a.delivered()); diff != "" {
		t.Error(diff)
	}
}

// Whose turn does not come is delivered later like any other.
func TestInLineTurnDoesNotCome(t *testing.T) {
	store := memstore.New(memstore.Config{}).Outbox()
	release := make(chan struct{})
	a := &answering{}
	a.deliver = func(context.Context, *actions.Event) error {
		<-release
		return nil
	}
	target := inLineTarget(a)
	target.Limit = 50 * time.Millisecond
	d, _ := start(t, store, &logs{}, outbox.DefaultConfig(), target)
	settled(t, store, d, about("01A", actions.RenameDone, "/f"))
	if err := settled(t, store, d, about("01B", actions.UploadDone, "/f")).Wait(t.Context()); err != nil {
		t.Error(err)
	}
	close(release)
	empty(t, store)
	if diff := cmp.Diff([]string{"01A", "01B"}, a.delivered()); diff != "" {
		t.Error(diff)
	}
}

// The end of the server decides nothing: the next one delivers.
func TestInLineEndOfServer(t *testing.T) {
	store := memstore.New(memstore.Config{}).Outbox()
	begun := make(chan struct{})
	a := &answering{}
	hanging := &hangingAsker{answering: a, begun: begun}
	target := inLineTarget(a)
	target.Sink = hanging
	cfg := outbox.DefaultConfig()
	cfg.Drain = 0
	d, stop := start(t, store, &logs{}, cfg, target)
	awaited := settled(t, store, d, about("01A", actions.UploadDone, "/f"))
	behind := settled(t, store, d, about("01B", actions.UploadDone, "/f"))
	<-begun
	stop()
	for _, w := range []actions.Awaited{awaited, behind} {
		if err := w.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	late := about("01C", actions.UploadDone, "/f")
	if d.Expect(&late) != nil {
		t.Error("somebody waits for a server that has stopped")
	}
	start(t, store, &logs{}, cfg, inLineTarget(a))
	empty(t, store)
	if diff := cmp.Diff([]string{"01A", "01B"}, a.delivered()); diff != "" {
		t.Error(diff)
	}
}

// hangingAsker answers only the end of the server.
type hangingAsker struct {
	*answering
	begun chan struct{}
}

func (h *hangingAsker) Ask(ctx context.Context, _ *actions.Event) (actions.Answer, error) {
	close(h.begun)
	<-ctx.Done()
	return actions.Answer{}, ctx.Err()
}

// What was not recorded is waited for by nobody.
func TestInLineForgotten(t *testing.T) {
	d, err := outbox.New(memstore.New(memstore.Config{}).Outbox(), outbox.Hooks{Targets: []outbox.Target{inLineTarget(&answering{})}},
		nil, (&logs{}).logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	e := about("01A", actions.UploadDone, "/f")
	d.Expect(&e).Forget()
	ctx, cancel := context.WithCancel(t.Context())
	awaited := d.Expect(&e)
	cancel()
	if err := awaited.Wait(ctx); err != nil {
		t.Error(err)
	}
}

// Who can only deliver cannot say what a client is told.
func TestInLineNeedsAsker(t *testing.T) {
	target := target("hook", &sink{})
	target.InLine = []actions.Kind{actions.UploadDone}
	if _, err := outbox.New(memstore.New(memstore.Config{}).Outbox(), outbox.Hooks{Targets: []outbox.Target{target}}, nil,
		(&logs{}).logger(), outbox.DefaultConfig()); err == nil {
		t.Error("taken")
	}
}
