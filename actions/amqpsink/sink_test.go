//go:build unix

package amqpsink_test

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"sftpgo/actions"
	"sftpgo/actions/amqpsink"
	"sftpgo/actions/brokertest"
	"sftpgo/actions/sinktest"
)

// TestRabbitMQ runs all that needs a broker on one, which takes long to start. The
// first delivery waits for that.
func TestRabbitMQ(t *testing.T) {
	b := rabbitMQ(t)
	name := unique()
	s := newSink(t, amqpsink.Config{URL: b.URL, Timeout: 5 * time.Minute, Settings: actions.HookAMQP{
		Exchange: name, DeclareExchange: true, DeclareQueues: true, RoutingKey: name,
	}}, words{})
	if err := s.Try(t.Context(), sinktest.Event(eventID, "/a")); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("err = %v", err)
	}
	result := make(chan error, 1)
	go func() { result <- s.Deliver(t.Context(), sinktest.Event(eventID, "/a")) }()
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if got := observe(t, b).all(name); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}

	t.Run("conformance", func(t *testing.T) {
		sinktest.Run(t, func(t *testing.T, f actions.Format) sinktest.Receiver { return open(t, b, f) })
	})
	for _, c := range []struct {
		name string
		run  func(t *testing.T, b *brokertest.Broker)
	}{
		{"a message as it is", testMessage},
		{"a task of Celery", testTask},
		{"queues and keys", testQueues},
		{"one queue for all", testOneQueue},
		{"what no queue takes", testUnroutable},
		{"an exchange that is missing", testNoExchange},
		{"an exchange with other properties", testDiffers},
		{"a wrong password", testPassword},
		{"pools have bounds", testBounds},
		{"what is idle ends", testIdle},
		{"connections that are lost", testLost},
		{"TLS", testTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, b)
		})
	}
}

// rabbitMQ returns a broker that is yet to be started.
func rabbitMQ(t *testing.T) *brokertest.Broker {
	t.Helper()
	if err := brokertest.Installed("rabbitmq-server", "epmd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; run .ci/clients", err)
		}
		t.Skip(err)
	}
	b, err := brokertest.NewRabbitMQ(t.TempDir())
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

// observer looks at the broker through a connection of its own.
type observer struct {
	t  *testing.T
	ch *amqp.Channel
}

func observe(t *testing.T, b *brokertest.Broker) observer {
	t.Helper()
	c, err := amqp.Dial(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return observer{t, ch}
}

// queue makes a queue that hears all of an exchange that it makes, too.
func (o observer) queue(exchange, kind, key string) string {
	o.t.Helper()
	if err := o.ch.ExchangeDeclare(exchange, kind, false, false, false, false, nil); err != nil {
		o.t.Fatal(err)
	}
	q, err := o.ch.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.ch.QueueBind(q.Name, key, exchange, false, nil); err != nil {
		o.t.Fatal(err)
	}
	return q.Name
}

// all takes what is in a queue.
func (o observer) all(queue string) []amqp.Delivery {
	o.t.Helper()
	var all []amqp.Delivery
	for {
		d, ok, err := o.ch.Get(queue, true)
		if err != nil {
			o.t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, d)
	}
}

func newSink(t *testing.T, cfg amqpsink.Config, f actions.Format) *amqpsink.Sink {
	t.Helper()
	s, err := amqpsink.New(cfg, f, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func unique() string { return fmt.Sprintf("x%d", rand.Uint64()) }

// open makes a sink for the suite, with a wire that can be cut in one direction.
func open(t *testing.T, b *brokertest.Broker, f actions.Format) sinktest.Receiver {
	t.Helper()
	exchange := unique()
	o := observe(t, b)
	queue := o.queue(exchange, "fanout", "")
	w := newWire(t, b.Port)
	s := newSink(t, amqpsink.Config{
		URL: "amqp://guest:guest@" + w.address, Settings: actions.HookAMQP{Exchange: exchange, RoutingKey: "k"},
	}, f)
	// So that there is a connection when the broker hangs.
	if err := s.Deliver(t.Context(), sinktest.Event("warm", "/a")); err != nil {
		t.Fatal(err)
	}
	o.all(queue)
	var arrived []sinktest.Arrival
	full := ""
	return sinktest.Receiver{
		Sink: s,
		Answer: func(a sinktest.Answer) {
			if full != "" {
				if _, err := o.ch.QueueDelete(full, false, false, false); err != nil {
					t.Fatal(err)
				}
				full = ""
			}
			w.hang(a == sinktest.Hang)
			if a == sinktest.Refuse { // a second queue that takes nothing
				q, err := o.ch.QueueDeclare("", false, false, true, false, amqp.Table{"x-max-length": int32(0), "x-overflow": "reject-publish"})
				if err != nil {
					t.Fatal(err)
				}
				if err := o.ch.QueueBind(q.Name, "", exchange, false, nil); err != nil {
					t.Fatal(err)
				}
				full = q.Name
			}
		},
		Arrived: func() []sinktest.Arrival {
			for _, d := range o.all(queue) {
				arrived = append(arrived, sinktest.Arrival{ID: d.MessageId, Call: actions.Call{Body: d.Body, ContentType: d.ContentType}})
			}
			return arrived
		},
		NeverExact: true,
	}
}

// wire passes on what goes to the broker; what comes back can be held.
type wire struct {
	address string
	mu      sync.Mutex
	flows   *sync.Cond
	held    bool
	open    []net.Conn
}

func newWire(t *testing.T, port int) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newWireOn(t, port, l)
}

func newWireOn(t *testing.T, port int, l net.Listener) *wire {
	t.Helper()
	w := &wire{address: l.Addr().String()}
	w.flows = sync.NewCond(&w.mu)
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		w.hang(false)
		wg.Wait()
	})
	wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				_ = near.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, near)
			w.mu.Unlock()
			wg.Go(func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			})
			wg.Go(func() {
				_, _ = io.Copy(near, gated{far, w})
				_ = near.Close()
			})
		}
	})
	return w
}

func (w *wire) hang(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = yes
	w.flows.Broadcast()
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

type gated struct {
	io.Reader
	w *wire
}

func (g gated) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	for g.w.held {
		g.w.flows.Wait()
	}
	return n, err
}
