//go:build unix

package natssink_test

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sftpgo/actions"
	"sftpgo/actions/brokertest"
	"sftpgo/actions/natssink"
	"sftpgo/actions/sinktest"
)

const eventID = "01M7YY9JK91HMW6B8ZHZD3Y7KZ"

// words is a dialect with names.
type words struct{}

func (words) Render(e *actions.Event) (actions.Call, error) {
	names := map[actions.Kind]string{actions.UploadDone: "post-finish", actions.UploadCheck: "pre-create"}
	return actions.Call{Name: names[e.Kind], Body: []byte(`{"path":"` + e.Object.Path + `"}`), ContentType: "application/json"}, nil
}

func natsServer(t *testing.T, arguments ...string) *brokertest.Broker {
	t.Helper()
	if err := brokertest.Installed("nats-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; run .ci/clients", err)
		}
		t.Skip(err)
	}
	b, err := brokertest.NewNATS(t.TempDir(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func started(t *testing.T, arguments ...string) *brokertest.Broker {
	t.Helper()
	b := natsServer(t, arguments...)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// observer looks at the server through a connection of its own.
type observer struct {
	t    *testing.T
	conn *nats.Conn
	js   jetstream.JetStream
}

func observe(t *testing.T, b *brokertest.Broker) observer {
	t.Helper()
	c, err := nats.Connect(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return observer{t, c, js}
}

func (o observer) stream(name string, change func(*jetstream.StreamConfig)) jetstream.Stream {
	o.t.Helper()
	cfg := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, MaxMsgSize: -1}
	if change != nil {
		change(&cfg)
	}
	s, err := o.js.CreateOrUpdateStream(o.t.Context(), cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func newSink(t *testing.T, cfg natssink.Config, f actions.Format) *natssink.Sink {
	t.Helper()
	s, err := natssink.New(cfg, f, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A stream that takes no messages of that size refuses; where there is only a
// listener that never answers, JetStream seems to hang.
func TestConformanceJetStream(t *testing.T) {
	b := started(t)
	sinktest.Run(t, func(t *testing.T, f actions.Format) sinktest.Receiver {
		o := observe(t, b)
		name := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, t.Name())
		sub, err := o.conn.SubscribeSync(name + ".>")
		if err != nil {
			t.Fatal(err)
		}
		if err := sub.SetPendingLimits(-1, -1); err != nil {
			t.Fatal(err)
		}
		o.stream(name, nil)
		var arrived []sinktest.Arrival
		return sinktest.Receiver{
			Sink: newSink(t, natssink.Config{URL: b.URL, Name: "test", Settings: actions.HookNATS{Prefix: name}}, f),
			Answer: func(a sinktest.Answer) {
				// A new one does not know what an old one has seen.
				if err := o.js.DeleteStream(t.Context(), name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
					t.Fatal(err)
				}
				switch a {
				case sinktest.Hang:
				case sinktest.Refuse:
					o.stream(name, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 })
				default:
					o.stream(name, nil)
				}
			},
			Arrived:    func() []sinktest.Arrival { arrived = append(arrived, o.heard(sub)...); return arrived },
			NeverExact: true,
		}
	})
}

func (o observer) heard(sub *nats.Subscription) []sinktest.Arrival {
	o.t.Helper()
	if err := o.conn.Flush(); err != nil {
		o.t.Fatal(err)
	}
	var all []sinktest.Arrival
	for {
		m, err := sub.NextMsg(time.Millisecond)
		if errors.Is(err, nats.ErrTimeout) {
			return all
		}
		if err != nil {
			o.t.Fatal(err)
		}
		all = append(all, sinktest.Arrival{ID: m.Header.Get("event-id"), Call: actions.Call{Body: m.Data, ContentType: m.Header.Get("content-type")}})
	}
}

func TestConformanceReplies(t *testing.T) {
	b := started(t)
	sinktest.Run(t, func(t *testing.T, f actions.Format) sinktest.Receiver {
		o := observe(t, b)
		r := &responder{reply: "OK"}
		if _, err := o.conn.Subscribe("replies", r.take); err != nil {
			t.Fatal(err)
		}
		if err := o.conn.Flush(); err != nil {
			t.Fatal(err)
		}
		return sinktest.Receiver{
			Sink: newSink(t, natssink.Config{URL: b.URL, Settings: actions.HookNATS{Subject: "replies", Core: true, WaitForReplies: true}}, f),
			Answer: func(a sinktest.Answer) {
				r.set(map[sinktest.Answer]string{sinktest.Accept: "OK", sinktest.Refuse: "not today", sinktest.Hang: "-"}[a])
			},
			Arrived: r.all,
		}
	})
}

// responder answers requests; with "-" it does not.
type responder struct {
	mu      sync.Mutex
	reply   string
	arrived []sinktest.Arrival
}

func (r *responder) set(reply string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = reply
}

func (r *responder) all() []sinktest.Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrived)
}

func (r *responder) take(m *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = append(r.arrived, sinktest.Arrival{
		ID: m.Header.Get("event-id"), Call: actions.Call{Body: m.Data, ContentType: m.Header.Get("content-type")},
	})
	if r.reply != "-" {
		_ = m.Respond([]byte(r.reply))
	}
}

func TestMessage(t *testing.T) {
	b := started(t)
	o := observe(t, b)
	stream := o.stream("files", func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "post-finish") })
	for _, tt := range []struct {
		cfg     natssink.Config
		subject string
		id      string
	}{
		{natssink.Config{}, "post-finish", eventID},
		{natssink.Config{Name: "index", Settings: actions.HookNATS{Prefix: "files.x"}}, "files.x.post-finish", eventID + "-index"},
		{natssink.Config{Name: "all", Settings: actions.HookNATS{Subject: "files.all"}}, "files.all", eventID + "-all"},
	} {
		tt.cfg.URL = b.URL
		s := newSink(t, tt.cfg, words{})
		for range 2 { // JetStream drops the second try
			if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
				t.Fatal(err)
			}
		}
		got, err := stream.GetLastMsgForSubject(t.Context(), tt.subject)
		if err != nil {
			t.Fatal(err)
		}
		want := nats.Header{
			"hook-name": {"post-finish"}, "event-id": {eventID}, "content-type": {"application/json"}, "Nats-Msg-Id": {tt.id},
		}
		if d := cmp.Diff(want, got.Header); d != "" || string(got.Data) != `{"path":"/a"}` {
			t.Errorf("%s: %s\n%s", tt.subject, got.Data, d)
		}
	}
	info, err := stream.Info(t.Context())
	if err != nil || info.State.Msgs != 3 {
		t.Errorf("%d messages, %v", info.State.Msgs, err)
	}
}

func TestFailures(t *testing.T) {
	b := started(t)
	o := observe(t, b)
	e := sinktest.Event(eventID, "/a")
	t.Run("no stream", func(t *testing.T) {
		s := newSink(t, natssink.Config{URL: b.URL}, words{})
		err := s.Deliver(t.Context(), e)
		if err == nil || errors.Is(err, actions.ErrRejected) || !strings.Contains(err.Error(), "post-finish: no stream of JetStream takes this subject") {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		s := newSink(t, natssink.Config{URL: b.URL, Settings: actions.HookNATS{WaitForReplies: true}}, words{})
		question := sinktest.Event(eventID, "/a")
		question.Kind = actions.UploadCheck
		if a, err := s.Ask(t.Context(), question); a.Accepted || err == nil || !strings.Contains(err.Error(), "nobody listens") {
			t.Errorf("Ask = %+v, %v", a, err)
		}
	})
	t.Run("answers", func(t *testing.T) {
		r := &responder{}
		if _, err := o.conn.Subscribe("pre-create", r.take); err != nil {
			t.Fatal(err)
		}
		if err := o.conn.Flush(); err != nil {
			t.Fatal(err)
		}
		s := newSink(t, natssink.Config{URL: b.URL, Settings: actions.HookNATS{WaitForReplies: true}}, words{})
		question := sinktest.Event(eventID, "/a")
		question.Kind = actions.UploadCheck
		for reply, want := range map[string][2]bool{"": {true, false}, "OK": {true, true}, "ok": {false, false}, "no": {false, false}, strings.Repeat("x", 100<<10): {}} {
			r.set(reply)
			a, err := s.Ask(t.Context(), question)
			if err != nil || a.Accepted != want[0] || a.Exact != want[1] || len(a.Body) != min(len(reply), actions.AnswerLimit) {
				t.Errorf("%.10q: %v, %v, %v", reply, a.Accepted, a.Exact, err)
			}
		}
	})
	t.Run("core", func(t *testing.T) {
		sub, err := o.conn.SubscribeSync("post-finish")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.conn.Flush(); err != nil {
			t.Fatal(err)
		}
		s := newSink(t, natssink.Config{URL: b.URL, Settings: actions.HookNATS{Core: true}}, words{})
		if err := s.Deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if m, err := sub.NextMsg(30 * time.Second); err != nil || m.Header.Get(nats.MsgIdHdr) != "" {
			t.Errorf("%+v, %v", m, err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		o.stream("large", func(c *jetstream.StreamConfig) { c.Subjects = []string{"post-finish"} })
		s := newSink(t, natssink.Config{URL: b.URL}, words{})
		if err := s.Deliver(t.Context(), sinktest.Event(eventID, strings.Repeat("x", 2<<20))); !errors.Is(err, actions.ErrRejected) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestExplain(t *testing.T) {
	s := newSink(t, natssink.Config{URL: "nats://u:seeded@localhost", Name: "index", Settings: actions.HookNATS{Prefix: "files"}}, words{})
	lines, err := s.Explain(sinktest.Event(eventID, "/a"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"subject: files.post-finish", "header: Nats-Msg-Id: " + eventID + "-index", "header: content-type: application/json",
		"header: event-id: " + eventID, "header: hook-name: post-finish", `body: {"path":"/a"}`,
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}

func TestConfig(t *testing.T) {
	for _, url := range []string{"", "http://h", "nats://", "nats://u:se/eded@h", "tls://u:p w@h"} {
		err := natssink.Config{URL: url}.Validate()
		if err == nil || strings.Contains(err.Error(), "eded") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
