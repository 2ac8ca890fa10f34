package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sftpgo/actions/brokertest"
)

// TestTusRabbitMQ runs the examples of the upload hooks contract against RabbitMQ, as
// printed but for the port.
func TestTusRabbitMQ(t *testing.T) {
	if testing.Short() {
		t.Skip("starts RabbitMQ")
	}
	if err := brokertest.Installed("rabbitmq-server", "epmd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v; run .ci/clients", err)
		}
		t.Skip(err)
	}
	b, err := brokertest.NewRabbitMQ(t.TempDir())
	noError(t, err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	noError(t, b.Start(t.Context()))
	t.Run("printed options", func(t *testing.T) { testPrintedAMQP(t, b, printedAMQP(b), nil) })
	t.Run("printed variables", func(t *testing.T) { testPrintedAMQP(t, b, nil, asVariables(printedAMQP(b))) })
	t.Run("a queue for each event", func(t *testing.T) { testQueuesOfEvents(t, b) })
	t.Run("celery", func(t *testing.T) { testCelery(t, b) })
	t.Run("broker away", func(t *testing.T) { testBrokerAway(t, b) }) // last: it stops the broker
}

// printedAMQP are the options of the example.
func printedAMQP(b *brokertest.Broker) []string {
	return []string{
		"--hooks-amqp-url", strings.Replace(b.URL, "127.0.0.1", "localhost", 1),
		"--hooks-amqp-queues-prefix", "rustus_prefix",
		"--hooks-amqp-exchange", "rustus",
		"--hooks-amqp-exchange-kind", "topic",
		"--hooks-amqp-routing-key", "route66",
		"--hooks-amqp-declare-exchange",
		"--hooks-amqp-declare-queues",
		"--hooks-amqp-durable-exchange",
		"--hooks-amqp-durable-queues",
		"--hooks-amqp-celery",
		"--hooks-amqp-connection-pool-size", "10",
		"--hooks-amqp-channel-pool-size", "10",
		"--hooks-amqp-idle-connection-timeout", "20",
		"--hooks-amqp-idle-channels-timeout", "10",
	}
}

// asVariables are the same by the names of variables.
func asVariables(options []string) []string {
	var env []string
	for i, o := range options {
		name, ok := strings.CutPrefix(o, "--")
		if !ok {
			continue
		}
		value := "true"
		if i+1 < len(options) && !strings.HasPrefix(options[i+1], "--") {
			value = options[i+1]
		}
		env = append(env, "RUSTUS_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	return env
}

// life makes an upload in two parts and deletes it.
func (p *tusProcess) life() (id string) {
	p.t.Helper()
	location := p.send("POST", "/files/", "", "Upload-Length", "5", "Upload-Metadata", "filename c2hyZWsyLm1rdg==").Get("Location")
	path := location[strings.Index(location, "/files/"):]
	p.send("PATCH", path, "he", "Upload-Offset", "0")
	p.send("PATCH", path, "llo", "Upload-Offset", "2")
	p.send("DELETE", path, "")
	return strings.Trim(strings.TrimPrefix(path, "/files/"), "/")
}

// send makes a request that succeeds.
func (p *tusProcess) send(method, path, body string, headers ...string) http.Header {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url(path), strings.NewReader(body))
	noError(p.t, err)
	req.Header.Set("Tus-Resumable", "1.0.0")
	if body != "" {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	noError(p.t, err)
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	return resp.Header
}

// lifeEvents are what is told of a life.
func lifeEvents() []string {
	return []string{"pre-create", "post-create", "post-receive", "post-finish", "pre-terminate", "post-terminate"}
}

func dialAMQP(t *testing.T, b *brokertest.Broker) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(b.URL)
	noError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	noError(t, err)
	return ch
}

// messages takes n messages from a queue.
func messages(t *testing.T, ch *amqp.Channel, queue string, n int) []amqp.Delivery {
	t.Helper()
	var all []amqp.Delivery
	waitUntil(t, fmt.Sprintf("%d messages in %s", n, queue), func() error {
		m, ok, err := ch.Get(queue, true)
		noError(t, err)
		if ok {
			all = append(all, m)
		}
		if len(all) < n {
			return fmt.Errorf("there are %d", len(all))
		}
		return nil
	})
	return all
}

// checkPayload checks an object against a schema of the contract, and returns the id of
// the upload.
func checkPayload(t *testing.T, schema string, object []byte) string {
	t.Helper()
	s, err := contractSchema(schema)
	noError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(object)))
	noError(t, err)
	if err := s.Validate(value); err != nil {
		t.Errorf("%s\n%v", object, err)
	}
	var payload struct{ Upload struct{ ID string } }
	noError(t, json.Unmarshal(object, &payload))
	return payload.Upload.ID
}

func testPrintedAMQP(t *testing.T, b *brokertest.Broker, options, env []string) {
	srv := startTusWith(t, env, options...)
	id := srv.life()
	ch := dialAMQP(t, b)
	var got []string
	for _, m := range messages(t, ch, "route66", len(lifeEvents())) {
		task, _ := m.Headers["task"].(string)
		got = append(got, strings.TrimPrefix(task, "rustus."))
		var body []json.RawMessage
		if err := json.Unmarshal(m.Body, &body); err != nil || len(body) != 3 || string(body[1]) != "{}" || string(body[2]) != "{}" {
			t.Fatalf("%s", m.Body)
		}
		var args []json.RawMessage
		noError(t, json.Unmarshal(body[0], &args))
		if len(args) != 1 || checkPayload(t, "rustus", args[0]) != id {
			t.Errorf("%s", m.Body)
		}
		if m.DeliveryMode != amqp.Persistent || m.Exchange != "rustus" || m.RoutingKey != "route66" || m.Headers["id"] == nil {
			t.Errorf("%+v", m)
		}
	}
	// Questions do not wait in the line of events.
	if want := lifeEvents(); !sameWords(got, want) || !inOrder(got, "post-create", "post-receive", "post-finish", "post-terminate") {
		t.Errorf("told of %v, want %v", got, want)
	}
	srv.end(syscall.SIGTERM)
	// What is declared again must be the same, or RabbitMQ refuses.
	noError(t, ch.ExchangeDeclare("rustus", "topic", true, false, false, false, nil))
	_, err := ch.QueueDeclare("route66", true, false, false, false, nil)
	noError(t, err)
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func inOrder(all []string, words ...string) bool {
	for i := 1; i < len(words); i++ {
		if slices.Index(all, words[i-1]) >= slices.Index(all, words[i]) {
			return false
		}
	}
	return true
}

func testQueuesOfEvents(t *testing.T, b *brokertest.Broker) {
	srv := startTus(t, "--hooks-amqp-url", b.URL, "--hooks-amqp-exchange", "uploads", "--hooks-amqp-exchange-kind", "direct",
		"--hooks-amqp-queues-prefix", "up", "--hooks-amqp-declare-exchange", "--hooks-amqp-declare-queues", "--hooks-format", "v2")
	id := srv.life()
	ch := dialAMQP(t, b)
	for _, event := range lifeEvents() {
		m := messages(t, ch, "up."+event, 1)[0]
		if checkPayload(t, "rustus-v2", m.Body) != id || m.RoutingKey != "up."+event || m.ContentType != "application/json" || m.Headers["hook-name"] != event {
			t.Errorf("%s: %+v", event, m)
		}
	}
	noError(t, ch.ExchangeDeclare("uploads", "direct", false, false, false, false, nil))
	_, err := ch.QueueDeclare("up.post-finish", false, false, false, false, nil)
	noError(t, err)
}

// celeryApp is the example of the contract, but for the port.
const celeryApp = `import celery

app = celery.Celery("rustus_celery")
app.conf.update(
    broker_url="amqp://guest:guest@localhost:5672",
)


@app.task(name="rustus.pre-create")
def post_create(data):
    print(f"PRE CREATE: {data}")


@app.task(name="rustus.post-create")
def post_create(data):
    print(f"POST CREATE: {data}")


@app.task(name="rustus.post-finish")
def post_finish(data):
    print(f"POST FINISH: {data}")


@app.task(name="rustus.post-terminate")
def post_terminate(data):
    print(f"POST TERMINATE: {data}")


@app.task(name="rustus.post-receive")
def post_receive(data):
    print(f"POST RECEIVE: {data}")
`

// testCelery: the worker of the contract runs the tasks.
func testCelery(t *testing.T, b *brokertest.Broker) {
	const python = "/usr/bin/python3" // the one with the packages of the system
	if err := exec.Command(python, "-c", "import celery").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("celery is missing; run .ci/clients")
		}
		t.Skip("celery is not installed")
	}
	dir := t.TempDir()
	noError(t, os.Mkdir(filepath.Join(dir, "rustus_celery"), 0o755))
	app := strings.Replace(celeryApp, "5672", fmt.Sprint(b.Port), 1)
	noError(t, os.WriteFile(filepath.Join(dir, "rustus_celery", "celery.py"), []byte(app), 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "rustus_celery", "__init__.py"), nil, 0o600))
	out, err := os.Create(filepath.Join(dir, "output"))
	noError(t, err)
	defer out.Close()
	worker := exec.Command(python, "-m", "celery", "-A", "rustus_celery", "worker", "--pool", "solo", "--loglevel", "INFO")
	worker.Dir, worker.Stdout, worker.Stderr = dir, out, out
	worker.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "HOME="+dir)
	noError(t, worker.Start())
	t.Cleanup(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait() // killed
	})
	said := func(words ...string) error {
		text, err := os.ReadFile(out.Name())
		if err != nil {
			return err
		}
		for _, w := range words {
			if !strings.Contains(string(text), w) {
				return fmt.Errorf("no %q in\n%s", w, text)
			}
		}
		return nil
	}
	waitUntil(t, "the worker is ready", func() error { return said(" ready.") })
	srv := startTus(t, "--hooks-amqp-url", b.URL, "--hooks-amqp-exchange", "celery", "--hooks-amqp-exchange-kind", "direct",
		"--hooks-amqp-routing-key", "celery", "--hooks-amqp-celery")
	id := srv.life()
	waitUntil(t, "all tasks have run", func() error {
		return said("PRE CREATE: {", "POST CREATE: {", "POST RECEIVE: {", "POST FINISH: {", "POST TERMINATE: {", "'"+id+"'")
	})
}

// testBrokerAway: a broker that does not answer cancels nothing, and is told what
// happened when it is back, in order and from a server that was killed meanwhile.
func testBrokerAway(t *testing.T, b *brokertest.Broker) {
	srv := startTus(t, "--hooks-amqp-url", b.URL, "--hooks-amqp-exchange", "away", "--hooks-amqp-declare-exchange", "--hooks-amqp-durable-exchange",
		"--hooks-amqp-declare-queues", "--hooks-amqp-durable-queues", "--hooks-amqp-queues-prefix", "away", "--hooks-amqp-routing-key", "away",
		"--hooks", "pre-create,post-create,post-receive,post-finish,post-terminate")
	srv.life()
	messages(t, dialAMQP(t, b), "away", 5)
	noError(t, b.Stop())
	id := srv.life()
	srv.end(syscall.SIGKILL)
	noError(t, b.Start(t.Context()))
	srv.start()
	var got []string
	for _, m := range messages(t, dialAMQP(t, b), "away", 4) {
		if checkPayload(t, "rustus", m.Body) == id {
			name, _ := m.Headers["hook-name"].(string)
			got = append(got, name)
		}
	}
	if !inOrder(got, "post-create", "post-receive", "post-finish", "post-terminate") {
		t.Errorf("told of %v", got)
	}
}
