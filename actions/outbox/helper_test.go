package outbox_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
)

// sink notes what it gets and lets a function decide.
type sink struct {
	deliver func(ctx context.Context, e *actions.Event) error

	mu  sync.Mutex
	got []arrival
}

// arrival is a delivery that succeeded, or an attempt.
type arrival struct {
	id  string
	at  time.Time
	err error
}

func (s *sink) Deliver(ctx context.Context, e *actions.Event) error {
	var err error
	if s.deliver != nil {
		err = s.deliver(ctx, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, arrival{e.ID, time.Now(), err})
	return err
}

// delivered returns the ids that were accepted, in order.
func (s *sink) delivered() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, a := range s.got {
		if a.err == nil {
			ids = append(ids, a.id)
		}
	}
	return ids
}

func (s *sink) attempts() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.got...)
}

var allEvents = []actions.Kind{
	actions.UploadDone, actions.UploadFailed, actions.DownloadDone, actions.DeleteDone, actions.RenameDone, actions.SSHCommand,
}

func target(name string, s actions.Sink) outbox.Target {
	return outbox.Target{Name: name, Sink: s, Kinds: allEvents, Workers: 4, Limit: 30 * time.Second}
}

// logs is a log that can be read while it is written.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// start runs a dispatcher; stop ends it and waits.
func start(t testing.TB, s dataprovider.Outbox, log *logs, cfg outbox.Config, targets ...outbox.Target) (d *outbox.Dispatcher, stop func()) {
	t.Helper()
	d, err := outbox.New(s, outbox.Hooks{Targets: targets}, nil, log.logger(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	return d, stop
}

// runFor lets a dispatcher run for some time.
func runFor(t *testing.T, d *outbox.Dispatcher, length time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	d.Run(ctx)
}

// rejectFirst is a hook that refuses the event 01A.
func rejectFirst(_ context.Context, e *actions.Event) error {
	if e.ID == "01A" {
		return &actions.OutputError{Err: fmt.Errorf("%w: exit status 1", actions.ErrRejected), Output: "no such bucket"}
	}
	return nil
}

func event(id, path string) *actions.Event {
	return &actions.Event{ID: id, Kind: actions.UploadDone, Object: actions.Object{Path: path}, Result: actions.Result{Status: actions.StatusOK}}
}

// record puts an event into the store for those who want it, as sessions do.
func record(t testing.TB, s *store, d *outbox.Dispatcher, e *actions.Event) {
	t.Helper()
	targets := d.Route(e)
	settle(t, s, e, targets...)
	d.Recorded(targets)
}
