package webdavd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// hooks wants every event and, where a test says so, takes deletions over.
type hooks struct {
	mu    sync.Mutex
	panic bool // Ask panics
	// before, if set, is called before an upload or a download begins.
	before func(k actions.Kind, name string)
}

func (h *hooks) Ask(_ context.Context, e *actions.Event) (actions.Verdict, error) {
	if e.Kind != actions.DeleteCheck {
		h.before(e.Kind, e.Object.Name)
		return actions.Verdict{}, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.panic {
		panic("broken hook")
	}
	return actions.Verdict{}, nil
}
func (h *hooks) Asks(e *actions.Event) bool {
	return e.Kind == actions.DeleteCheck || e.Kind != actions.UploadVerify && h.before != nil
}
func (h *hooks) Header(map[string][]string) map[string][]string { return nil }

// Wants is true, but for what tests here are not about.
func (*hooks) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return false
	}
	return true
}

func (h *hooks) Route(*actions.Event) []string { return []string{"hook"} }
func (h *hooks) Wake()                         {}

type metrics struct {
	mu      sync.Mutex
	active  int
	highest int
}

func (m *metrics) SessionsChanged(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active, m.highest = n, max(m.highest, n)
}
func (m *metrics) TransferDone(session.Direction, int64, error) {}
func (m *metrics) CommandDone(error)                            {}
func (m *metrics) LoginDone(string, error)                      {}

func (m *metrics) sessions() (active, highest int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active, m.highest
}

// plain compares passwords as they are, so that no test waits for argon2id.
type plain struct{}

func (plain) Verify(_ context.Context, stored, given string) (bool, error) {
	return stored == given, nil
}
func (plain) VerifyDummy(context.Context, string) error { return nil }

const password = "$argon2id$stand-in"

// rig is a server on a real directory with a store in memory.
type rig struct {
	t       testing.TB
	home    string
	url     string // without a slash at the end
	store   dataprovider.Store
	hooks   *hooks
	metrics *metrics
	manager *session.Manager
	log     *lockedBuffer
	server  *webdavd.Server
	stop    func() error // ends the server and returns what Serve said
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig starts a server with a user alice who may do everything, changed by the
// functions given.
func newRig(t testing.TB, cfg session.Config, change ...func(*dataprovider.User)) *rig {
	t.Helper()
	r := &rig{
		t: t, home: filepath.Join(t.TempDir(), "alice"), store: memstore.New(memstore.Config{}),
		hooks: &hooks{}, metrics: &metrics{}, log: &lockedBuffer{},
	}
	if err := os.MkdirAll(r.home, 0o755); err != nil {
		t.Fatal(err)
	}
	r.addUser("alice", r.home, change...)
	log := slog.New(slog.NewJSONHandler(r.log, nil))
	r.manager = session.NewManager(r.store, r.hooks, []vfs.Factory{localfs.NewFactory(log)}, r.metrics, log, 1, cfg)
	r.serve(log, webdavd.Config{}, webdavd.Binding{}, "")
	return r
}

func (r *rig) serve(log *slog.Logger, cfg webdavd.Config, b webdavd.Binding, dir string) {
	r.t.Helper()
	authn := auth.New(auth.Config{}, r.store, plain{}, r.metrics, log)
	locks := webdavd.NewLocks(r.store.Locks(), log)
	r.manager.Observe(locks)
	srv, err := webdavd.New(cfg, b, dir, authn, r.manager, locks, log)
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, l) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	r.t.Cleanup(func() {
		if err := r.stop(); err != nil {
			r.t.Errorf("Serve: %v", err)
		}
	})
	r.server = srv
	r.url = "http://" + l.Addr().String()
	if b.EnableHTTPS {
		r.url = "https://" + l.Addr().String()
	}
}

func (r *rig) addUser(name, home string, change ...func(*dataprovider.User)) {
	r.t.Helper()
	u := dataprovider.User{
		Username: name, Status: 1, HomeDir: home, Password: password,
		Permissions: map[string][]string{"/": {dataprovider.PermAny}},
	}
	for _, c := range change {
		c(&u)
	}
	if _, err := r.store.Users().Put(context.Background(), u, 0); err != nil {
		r.t.Fatal(err)
	}
}

// changeUser stores an edit of alice.
func (r *rig) changeUser(change func(*dataprovider.User)) {
	r.t.Helper()
	u, rev, err := r.store.Users().Get(context.Background(), "alice")
	if err != nil {
		r.t.Fatal(err)
	}
	change(&u)
	if _, err := r.store.Users().Put(context.Background(), u, rev); err != nil {
		r.t.Fatal(err)
	}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

// call is one request; header lines are "Name: value". The name "Login" chooses
// another user, "-" none. @ in a value stands for the URL of the server.
func (r *rig) call(method, path, body string, header ...string) reply {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send(req, header...)
}

func (r *rig) send(req *http.Request, header ...string) reply {
	r.t.Helper()
	user := "alice"
	for _, line := range header {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			r.t.Fatalf("header %q", line)
		}
		if name == "Login" {
			user = value
			continue
		}
		req.Header.Set(name, strings.ReplaceAll(value, "@", r.url))
	}
	if user != "-" {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s %s: body: %v", req.Method, req.URL, err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// want makes a call and compares the status.
func (r *rig) want(status int, method, path, body string, header ...string) reply {
	r.t.Helper()
	got := r.call(method, path, body, header...)
	if got.status != status {
		r.t.Errorf("%s %s %v = %d %q, want %d", method, path, header, got.status, got.body, status)
	}
	return got
}

func (r *rig) write(name, content string) {
	r.t.Helper()
	p := filepath.Join(r.home, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// content is what lies at name, or "-" for nothing.
func (r *rig) content(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.home, name))
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// events takes what waits for delivery, as "kind name [target] status size".
func (r *rig) events() []string {
	r.t.Helper()
	var lines []string
	for {
		list, err := r.store.Outbox().Claim(context.Background(), "hook", 100, time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(list) == 0 {
			return lines
		}
		for _, d := range list {
			var e actions.Event
			if err := json.Unmarshal(d.Event, &e); err != nil {
				r.t.Fatal(err)
			}
			line := fmt.Sprintf("%s %s", e.Kind, e.Object.Name)
			if e.Object.Target != "" {
				line += " " + e.Object.Target
			}
			lines = append(lines, fmt.Sprintf("%s %d %d", line, e.Result.Status, e.Result.Size))
			if err := r.store.Outbox().Done(context.Background(), d.ID); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// waitEvents is events for what a server notices a moment after the client.
func (r *rig) waitEvents(n int) []string {
	r.t.Helper()
	var lines []string
	for range 200 {
		if lines = append(lines, r.events()...); len(lines) >= n {
			return lines
		}
		time.Sleep(10 * time.Millisecond)
	}
	return lines
}
