package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sftpgo/actions/brokertest"
)

const natsConfiguration = `{"hooks": [
  {"name": "all", "target": "BROKER", "format": "cloudevents", "events": ["upload"], "filters": {"paths": ["/many/*"]},
   "nats": {"subject": "files.all", "token": "seeded"}},
  {"name": "asked", "target": "BROKER", "events": ["pre-create"], "filters": {"paths": ["/asked/*"]}, "timeout": 20,
   "nats": {"prefix": "gate", "wait_for_replies": true, "token": "seeded"}}
]}`

// NATS is away when the server starts, and is killed in the midst of many uploads. A
// listener decides on others.
func TestNATS(t *testing.T) {
	t.Parallel()
	tryNATS(t, 500)
}

// TestChaosNATS is TestNATS at full length.
func TestChaosNATS(t *testing.T) {
	if !*chaos {
		t.Skip("takes minutes: make chaos")
	}
	tryNATS(t, 10000)
}

func tryNATS(t *testing.T, uploads int) {
	secured := func(dir string) (*brokertest.Broker, error) { return brokertest.NewNATS(dir, "--auth", "seeded") }
	r := newBrokerRig(t, natsConfiguration, secured, "nats-server")
	r.contains(r.output("hooks", "test", "all", "--path", "/many/a.txt"), "subject: files.all", "header: hook-name: sftpgo.upload.done", `body: {"specversion"`)
	r.check(r.server.start())
	r.check(r.broker.Start(t.Context()))
	conn, err := nats.Connect(r.broker.URL, nats.Token("seeded"), nats.MaxReconnects(-1))
	r.check(err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	r.check(err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "files", Subjects: []string{"files.>"}})
	r.check(err)

	r.ask(conn)
	r.putMany(uploads, func() error {
		if err := r.broker.Kill(); err != nil {
			return err
		}
		return r.broker.Start(t.Context())
	})
	ids, next := map[string]bool{}, uint64(1)
	r.eventually("the events", func() bool {
		stream, err := js.Stream(t.Context(), "files")
		if err != nil {
			return false // it is away for a moment
		}
		for last := stream.CachedInfo().State.LastSeq; next <= last; next++ {
			m, err := stream.GetMsg(t.Context(), next)
			if err != nil {
				return false
			}
			ids[m.Header.Get("event-id")] = true
		}
		return len(ids) >= uploads
	})
	t.Logf("NATS was killed in the midst of %d events: %d were lost, %d came twice", uploads, uploads-len(ids), int(next)-1-len(ids))
	r.end("seeded")
}

// ask has a listener decide on uploads.
func (r *brokerRig) ask(conn *nats.Conn) {
	r.t.Helper()
	c, err := newSFTPActor(r.server.sftp, siegeUser)
	r.check(err)
	defer c.close()
	r.check(c.mkdir("/asked"))
	if err := c.put("/asked/nobody.txt", []byte("x")); err == nil {
		r.t.Error("an upload went on though nobody listened")
	}
	var answer atomic.Value
	answer.Store("OK")
	_, err = conn.Subscribe("gate.pre-create", func(m *nats.Msg) {
		if !strings.Contains(string(m.Data), `"path":"/asked/`) || m.Header.Get("hook-name") != "pre-create" {
			r.t.Errorf("%s %v", m.Data, m.Header)
		}
		_ = m.Respond([]byte(answer.Load().(string)))
	})
	r.check(err)
	r.check(conn.Flush())
	for i, a := range []string{"OK", "", "not today"} {
		answer.Store(a)
		if err := c.put(fmt.Sprintf("/asked/%d.txt", i), []byte("x")); (err == nil) != (i < 2) {
			r.t.Errorf("answer %q: %v", a, err)
		}
	}
}
