//go:build unix

package amqpsink_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/amqpsink"
	"sftpgo/actions/brokertest"
	"sftpgo/actions/sinktest"
)

// words is a dialect with names.
type words struct{}

func (words) Render(e *actions.Event) (actions.Call, error) {
	names := map[actions.Kind]string{actions.UploadDone: "post-finish", actions.DeleteDone: "post-terminate"}
	return actions.Call{Name: names[e.Kind], Body: []byte(`{"path":"` + e.Object.Path + `"}`), ContentType: "application/json"}, nil
}

const eventID = "01M7YY9JK91HMW6B8ZHZD3Y7KZ"

func testMessage(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	queue := o.queue(exchange, "topic", "#")
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{Exchange: exchange}}, words{})
	if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
		t.Fatal(err)
	}
	got := o.all(queue)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	want := amqp.Delivery{
		Headers: amqp.Table{"hook-name": "post-finish"}, ContentType: "application/json", ContentEncoding: "utf-8",
		DeliveryMode: amqp.Persistent, MessageId: eventID, Timestamp: time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC),
		Type: "post-finish", AppId: "sftpgo", Exchange: exchange, RoutingKey: "rustus.post-finish", Body: []byte(`{"path":"/a"}`),
	}
	got[0].Acknowledger, got[0].DeliveryTag = nil, 0
	got[0].Timestamp = got[0].Timestamp.UTC()
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Errorf("message (-want +got)\n%s", d)
	}
}

func testTask(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	queue := o.queue(exchange, "direct", "celery")
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{Exchange: exchange, RoutingKey: "celery", Celery: true}}, words{})
	for range 2 {
		if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
			t.Fatal(err)
		}
	}
	got := o.all(queue)
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if string(m.Body) != `[[{"path":"/a"}],{},{}]` {
		t.Errorf("body = %s", m.Body)
	}
	id, _ := m.Headers["id"].(string)
	if len(id) != 36 || id != got[1].Headers["id"] || m.CorrelationId != id {
		t.Errorf("ids of two tries are %v, %v, correlation %q", id, got[1].Headers["id"], m.CorrelationId)
	}
	want := amqp.Table{
		"hook-name": "post-finish", "lang": "py", "task": "rustus.post-finish", "id": id, "root_id": id, "parent_id": nil, "group": nil,
		"shadow": nil, "eta": nil, "expires": nil, "retries": int32(0), "timelimit": []any{nil, nil},
		"argsrepr": "(<post-finish " + eventID + ">,)", "kwargsrepr": "{}", "origin": "sftpgo",
	}
	if d := cmp.Diff(want, m.Headers); d != "" {
		t.Errorf("headers (-want +got)\n%s", d)
	}
	if m.ContentType != "application/json" || m.ContentEncoding != "utf-8" || m.DeliveryMode != amqp.Persistent || m.MessageId != eventID {
		t.Errorf("properties: %+v", m)
	}
}

// Each event has a queue of its name, and an exchange of another kind works as well.
func testQueues(t *testing.T, b *brokertest.Broker) {
	prefix, o := unique(), observe(t, b)
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{
		Exchange: prefix, ExchangeKind: "direct", DeclareExchange: true, DurableExchange: true, DeclareQueues: true, DurableQueues: true, QueuesPrefix: prefix,
	}}, words{})
	terminated := sinktest.Event(eventID, "/b")
	terminated.Kind = actions.DeleteDone
	if err := errors.Join(s.Deliver(t.Context(), sinktest.Event(eventID, "/a")), s.Deliver(t.Context(), terminated)); err != nil {
		t.Fatal(err)
	}
	for event, messages := range map[string]int{
		"pre-create": 0, "post-create": 0, "post-receive": 0, "post-finish": 1, "pre-terminate": 0, "post-terminate": 1,
	} {
		// A durable one that is declared anew must be the same.
		q, err := o.ch.QueueDeclare(prefix+"."+event, true, false, false, false, nil)
		if err != nil || q.Messages != messages {
			t.Errorf("%s: %d messages, %v", event, q.Messages, err)
		}
	}
	if err := o.ch.ExchangeDeclare(prefix, "direct", true, false, false, false, nil); err != nil {
		t.Error(err)
	}
}

func testOneQueue(t *testing.T, b *brokertest.Broker) {
	name, o := unique(), observe(t, b)
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{
		Exchange: name, DeclareExchange: true, DeclareQueues: true, AutoDelete: true, RoutingKey: name, QueuesPrefix: "unused",
	}}, words{})
	terminated := sinktest.Event(eventID, "/b")
	terminated.Kind = actions.DeleteDone
	if err := errors.Join(s.Deliver(t.Context(), sinktest.Event(eventID, "/a")), s.Deliver(t.Context(), terminated)); err != nil {
		t.Fatal(err)
	}
	q, err := o.ch.QueueDeclare(name, false, true, false, false, nil)
	if err != nil || q.Messages != 2 {
		t.Errorf("%d messages, %v", q.Messages, err)
	}
	// What has vanished meanwhile is declared again.
	if _, err := o.ch.QueueDelete(name, false, false, false); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for s.Deliver(t.Context(), sinktest.Event(eventID, "/a")) != nil {
		if failed++; failed > 1 {
			t.Fatal("the queue is not declared again")
		}
	}
	if got := o.all(name); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

func testUnroutable(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	o.queue(exchange, "topic", "rustus.post-finish")
	terminated := sinktest.Event(eventID, "/b")
	terminated.Kind = actions.DeleteDone
	settings := actions.HookAMQP{Exchange: exchange}
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: settings}, words{})
	err := s.Deliver(t.Context(), terminated)
	if !errors.Is(err, actions.ErrRejected) || !strings.Contains(err.Error(), "rustus.post-terminate") {
		t.Errorf("err = %v", err)
	}
	if a, err := s.Ask(t.Context(), terminated); a.Accepted || err == nil {
		t.Errorf("Ask = %v, %v", a, err)
	}
	if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
		t.Error(err)
	}
	settings.DropUnroutable = true
	if err := newSink(t, amqpsink.Config{URL: b.URL, Settings: settings}, words{}).Deliver(t.Context(), terminated); err != nil {
		t.Error(err)
	}
}

func testNoExchange(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{Exchange: exchange}}, words{})
	for range 3 {
		err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a"))
		if err == nil || errors.Is(err, actions.ErrRejected) || !strings.Contains(err.Error(), "no exchange '"+exchange+"'") {
			t.Fatalf("err = %v", err)
		}
	}
	o.queue(exchange, "topic", "#")
	if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
		t.Error(err)
	}
}

func testDiffers(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	o.queue(exchange, "direct", "#")
	s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{Exchange: exchange, DeclareExchange: true}}, words{})
	err := s.Try(t.Context(), sinktest.Event(eventID, "/a"))
	want := `declare exchange "` + exchange + `": it is there with other properties than the configuration says (exchange_kind, durable_exchange or auto_delete)`
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "PRECONDITION_FAILED") {
		t.Errorf("err = %v", err)
	}
}

func testPassword(t *testing.T, b *brokertest.Broker) {
	url := strings.Replace(b.URL, "guest:guest", "guest:seeded", 1)
	s := newSink(t, amqpsink.Config{URL: url, Timeout: 4 * time.Second}, words{}) // RabbitMQ takes a second to refuse
	if err := s.Try(t.Context(), sinktest.Event(eventID, "/a")); err == nil || !strings.Contains(err.Error(), "username or password not allowed") {
		t.Errorf("err = %v", err)
	}
	// Deliver waits for somebody to set it right.
	err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a"))
	if err == nil || !strings.Contains(err.Error(), "nothing within 4s") || !strings.Contains(err.Error(), "username or password not allowed") {
		t.Errorf("err = %v", err)
	}
	if strings.Contains(err.Error(), "seeded") || strings.Contains(s.String(), "seeded") {
		t.Errorf("the password is in %v, %s", err, s)
	}
}

// One connection with one channel is enough for many deliveries at a time.
func testBounds(t *testing.T, b *brokertest.Broker) {
	for _, size := range []struct{ connections, channels int }{{1, 1}, {2, 3}, {10, 1}} {
		exchange, o := unique(), observe(t, b)
		queue := o.queue(exchange, "fanout", "")
		s := newSink(t, amqpsink.Config{URL: b.URL, Settings: actions.HookAMQP{
			Exchange: exchange, ConnectionPoolSize: size.connections, ChannelPoolSize: size.channels,
		}}, words{})
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := len(o.all(queue)); got != 40 {
			t.Errorf("%d messages", got)
		}
		connections, channels := amqpsink.Size(s)
		if connections > size.connections || channels > size.connections*size.channels || channels == 0 {
			t.Errorf("%d connections and %d channels, allowed are %+v", connections, channels, size)
		}
	}
}

func testIdle(t *testing.T, b *brokertest.Broker) {
	exchange, o := unique(), observe(t, b)
	o.queue(exchange, "fanout", "")
	for _, settings := range []actions.HookAMQP{
		{Exchange: exchange, IdleChannelsTimeout: 1}, {Exchange: exchange, IdleConnectionTimeout: 1},
	} {
		s := newSink(t, amqpsink.Config{URL: b.URL, Settings: settings}, words{})
		for range 2 { // it works after the end of an idle one, too
			if err := s.Deliver(t.Context(), sinktest.Event(eventID, "/a")); err != nil {
				t.Fatal(err)
			}
			for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
				connections, channels := amqpsink.Size(s)
				if channels == 0 && (settings.IdleConnectionTimeout == 0 || connections == 0) {
					break
				}
				if time.Since(start) > time.Minute {
					t.Fatalf("%d connections and %d channels are left", connections, channels)
				}
			}
		}
	}
}

// Connections end in the midst of many events. Those that were on their way may
// arrive twice.
func testLost(t *testing.T, b *brokertest.Broker) {
	const all, cuts = 500, 5
	name, o := unique(), observe(t, b)
	queue := o.queue(name, "fanout", "")
	w := newWire(t, b.Port)
	s := newSink(t, amqpsink.Config{URL: "amqp://guest:guest@" + w.address, Settings: actions.HookAMQP{Exchange: name}}, words{})
	events := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range events {
				for tries := 1; ; tries++ {
					err := s.Deliver(t.Context(), sinktest.Event(fmt.Sprintf("%026d", i), "/a"))
					if err == nil {
						break
					}
					if tries > 2*cuts {
						t.Errorf("event %d: %v", i, err)
						break
					}
				}
			}
		})
	}
	for i := range all {
		if i%(all/cuts) == all/cuts/2 {
			w.cut()
		}
		events <- i
	}
	close(events)
	wg.Wait()
	var ids []string
	for _, d := range o.all(queue) {
		ids = append(ids, d.MessageId)
	}
	slices.Sort(ids)
	if distinct := len(slices.Compact(ids)); distinct != all {
		t.Errorf("%d of %d events have arrived", distinct, all)
	}
}

func TestExplain(t *testing.T) {
	s := newSink(t, amqpsink.Config{URL: "amqp://u:seeded@localhost/v", Settings: actions.HookAMQP{Celery: true}}, words{})
	lines, err := s.Explain(sinktest.Event(eventID, "/a"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"exchange: rustus", "routing key: rustus.post-finish", "header: task: rustus.post-finish", "property: delivery_mode=2",
		`body: [[{"path":"/a"}],{},{}]`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if !json.Valid([]byte(strings.TrimPrefix(lines[len(lines)-1], "body: "))) || strings.Contains(text, "seeded") {
		t.Error(text)
	}
}

func TestConfig(t *testing.T) {
	for _, url := range []string{"", "http://h", "amqp://", "amqp://u:se/eded@h", "amqp://h?heartbeat=seeded"} {
		err := amqpsink.Config{URL: url}.Validate()
		if err == nil || strings.Contains(err.Error(), "eded") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// Whom the sink trusts is said by the parameters of the URL or by the configuration.
func testTLS(t *testing.T, b *brokertest.Broker) {
	exchange := unique()
	observe(t, b).queue(exchange, "fanout", "")
	certificate, err := brokertest.NewCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWireOn(t, b.Port, tls.NewListener(plain, &tls.Config{
		Certificates: []tls.Certificate{certificate.TLS}, ClientCAs: certificate.Pool, ClientAuth: tls.VerifyClientCertIfGiven,
	}))
	for _, tt := range []struct {
		name, parameters string
		tls              *tls.Config
		want             string
	}{
		{"nothing is said", "", nil, "certificate signed by unknown authority"},
		{"parameters", "?cacertfile=" + certificate.File + "&certfile=" + certificate.File + "&keyfile=" + certificate.Key, nil, ""},
		{"configuration", "", &tls.Config{RootCAs: certificate.Pool, Certificates: []tls.Certificate{certificate.TLS}}, ""},
		{"another name", "?cacertfile=" + certificate.File + "&server_name_indication=example.com", nil, "example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSink(t, amqpsink.Config{
				URL: "amqps://guest:guest@" + w.address + "/" + tt.parameters, TLS: tt.tls, Settings: actions.HookAMQP{Exchange: exchange},
			}, words{})
			err := s.Try(t.Context(), sinktest.Event(eventID, "/a"))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("err = %v", err)
			}
		})
	}
}
