package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"sftpgo/actions/brokertest"
)

const rabbitConfiguration = `{"hooks": [
  {"name": "celery", "target": "BROKER", "events": ["post-finish", "post-terminate"], "filters": {"paths": ["/tasks/*"]},
   "amqp": {"exchange": "celery", "exchange_kind": "direct", "routing_key": "celery", "celery": true,
            "declare_exchange": true, "durable_exchange": true, "declare_queues": true, "durable_queues": true}},
  {"name": "all", "target": "BROKER", "format": "cloudevents", "events": ["upload"], "filters": {"paths": ["/many/*"]},
   "amqp": {"exchange": "files", "routing_key": "files",
            "declare_exchange": true, "durable_exchange": true, "declare_queues": true, "durable_queues": true}},
  {"name": "keys", "target": "BROKER", "format": "sftpgo", "events": ["upload", "rename", "pre-delete"], "filters": {"paths": ["/one/*"]},
   "amqp": {"exchange": "one", "queues_prefix": "one", "declare_exchange": true, "declare_queues": true}},
  {"name": "asked", "target": "BROKER", "events": ["pre-create"], "filters": {"paths": ["/tasks/*"]}, "timeout": 5,
   "amqp": {"declare_exchange": true, "declare_queues": true}}
]}`

// RabbitMQ is away when the server starts, and is killed in the midst of many
// uploads. A worker of Celery runs the task of the contract.
func TestRabbitMQ(t *testing.T) {
	t.Parallel()
	tryRabbitMQ(t, 500)
}

// TestChaosRabbitMQ is TestRabbitMQ at full length.
func TestChaosRabbitMQ(t *testing.T) {
	if !*chaos {
		t.Skip("takes minutes: make chaos")
	}
	tryRabbitMQ(t, 10000)
}

func tryRabbitMQ(t *testing.T, uploads int) {
	r := newBrokerRig(t, rabbitConfiguration, brokertest.NewRabbitMQ, "rabbitmq-server", "epmd")
	if _, err := os.Stat("/usr/lib/python3/dist-packages/celery"); err != nil {
		needs(t, "python3-celery is not installed")
	}
	const secret = "guest:guest"
	text := r.output("hooks", "list") + r.output("hooks", "test", "celery", "--path", "/tasks/a.bin", "--send")
	r.contains(text, "exchange: celery", "routing key: celery", "property: delivery_mode=2", "header: task: rustus.post-finish",
		`body: [[{"request":{`, "answer: failed after")
	if !strings.Contains(text, "connection refused") || strings.Contains(text, secret) {
		t.Error(text)
	}

	// A question that cannot be asked stands in nobody's way.
	r.check(r.server.start())
	r.put("/tasks/early.bin", "early")
	r.check(r.broker.Start(t.Context()))
	w := r.work()
	r.put("/tasks/late.bin", "late")
	r.eventually("the tasks", func() bool { return len(w.done(t)) >= 2 })
	got := w.done(t)[:2] // of two files, so in any order
	slices.SortFunc(got, func(a, b ran) int { return strings.Compare(a.Path, b.Path) })
	want := []ran{
		{"rustus.post-finish", r.server.data(siegeUser + "/tasks/early.bin"), 5},
		{"rustus.post-finish", r.server.data(siegeUser + "/tasks/late.bin"), 4},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	r.contains(r.output("hooks", "test", "celery", "--event", "delete", "--path", "/tasks/late.bin", "--send"), "answer: delivered")
	r.eventually("the task of the command", func() bool { return len(w.done(t)) >= 3 && w.done(t)[2].Task == "rustus.post-terminate" })

	// The question about the second upload has arrived; its queue does not survive.
	if m := r.consumer().collect("rustus.pre-create", 1).last; m.Headers["hook-name"] != "pre-create" {
		t.Errorf("%+v", m)
	}

	r.putMany(uploads, func() error {
		if err := r.broker.Kill(); err != nil {
			return err
		}
		return r.broker.Start(t.Context())
	})
	o := r.consumer()
	all := o.collect("files", uploads)
	t.Logf("RabbitMQ was killed in the midst of %d events: %d were lost, %d came twice", uploads, uploads-len(all.ids), all.messages-len(all.ids))

	// One queue for each word; the deletion is told, and made by the server.
	r.put("/one/a.txt", "one")
	c, err := newSFTPActor(r.server.sftp, siegeUser)
	r.check(err)
	defer c.close()
	r.check(c.rename("/one/a.txt", "/one/b.txt"))
	r.check(c.remove("/one/b.txt"))
	for _, word := range []string{"upload", "rename", "pre-delete"} {
		m := o.collect("one."+word, 1).last
		var said struct{ Action, Path string }
		if err := json.Unmarshal(m.Body, &said); err != nil || said.Action != word || m.Headers["hook-name"] != word || m.Type != word {
			t.Errorf("%s: %s %v, %v", word, m.Body, m.Headers, err)
		}
	}
	if _, err := os.Stat(r.server.data(siegeUser + "/one/b.txt")); !os.IsNotExist(err) {
		t.Errorf("a deletion that was told to a broker was not made: %v", err)
	}
	r.end(secret)
}

// consumer reads queues through a connection of its own.
type consumer struct {
	r    *brokerRig
	conn *amqp.Connection
	ch   *amqp.Channel
}

func (r *brokerRig) consumer() *consumer {
	r.t.Helper()
	conn, err := amqp.Dial(r.broker.URL)
	r.check(err)
	r.t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	r.check(err)
	return &consumer{r, conn, ch}
}

type collected struct {
	ids      map[string]bool
	messages int
	last     amqp.Delivery
}

// collect takes from a queue until so many different events have come.
func (c *consumer) collect(queue string, want int) collected {
	c.r.t.Helper()
	all := collected{ids: map[string]bool{}}
	c.r.eventually("events in "+queue, func() bool {
		for len(all.ids) < want {
			m, ok, err := c.ch.Get(queue, true)
			if c.isMissing(err) || err == nil && !ok {
				return false
			}
			c.r.check(err)
			all.ids[m.MessageId], all.last = true, m
			all.messages++
		}
		return true
	})
	return all
}

// isMissing reports whether a queue is yet to be declared, which ends the channel.
func (c *consumer) isMissing(err error) bool {
	c.r.t.Helper()
	var e *amqp.Error
	if !errors.As(err, &e) || e.Code != amqp.NotFound {
		return false
	}
	c.ch, err = c.conn.Channel()
	c.r.check(err)
	return true
}

// worker is one of Celery.
type worker struct{ file string }

// ran is a task that it has run.
type ran struct {
	Task   string
	Path   string
	Length int64
}

const tasks = `import json, os
import celery

app = celery.Celery("rustus_celery")
app.conf.update(broker_url=os.environ["BROKER_URL"])

def note(task, data):
    with open(os.environ["TASKS"], "a") as f:
        f.write(json.dumps({"task": task, "path": data["upload"]["path"], "length": data["upload"]["length"]}) + "\n")

@app.task(name="rustus.pre-create")
def pre_create(data):
    note("rustus.pre-create", data)

@app.task(name="rustus.post-create")
def post_create(data):
    note("rustus.post-create", data)

@app.task(name="rustus.post-receive")
def post_receive(data):
    note("rustus.post-receive", data)

@app.task(name="rustus.post-finish")
def post_finish(data):
    note("rustus.post-finish", data)

@app.task(name="rustus.pre-terminate")
def pre_terminate(data):
    note("rustus.pre-terminate", data)

@app.task(name="rustus.post-terminate")
def post_terminate(data):
    note("rustus.post-terminate", data)
`

func (r *brokerRig) work() worker {
	r.t.Helper()
	dir := r.t.TempDir()
	r.check(os.WriteFile(filepath.Join(dir, "tasks.py"), []byte(tasks), 0o600))
	w := worker{filepath.Join(dir, "ran")}
	out, err := os.Create(filepath.Join(dir, "output"))
	r.check(err)
	defer out.Close()
	cmd := exec.Command("/usr/bin/python3", "-m", "celery", "-A", "tasks", "worker", "--pool", "solo", "--loglevel", "info",
		"--without-gossip", "--without-mingle", "--without-heartbeat")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "BROKER_URL="+r.broker.URL, "TASKS="+w.file)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.check(cmd.Start())
	r.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		late := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait() // how it ends does not matter
		late.Stop()
		if text, err := os.ReadFile(out.Name()); err == nil && r.t.Failed() {
			r.t.Logf("celery:\n%s", text)
		}
	})
	return w
}

func (w worker) done(t *testing.T) []ran {
	t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		return nil
	}
	var all []ran
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var one ran
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}
