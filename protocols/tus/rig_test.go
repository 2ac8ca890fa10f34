package tus_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/tus"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// hooks wants every event, and answers questions as the test says.
type hooks struct {
	mu     sync.Mutex
	answer func(e *actions.Event) (actions.Verdict, error) // nil: agrees
	asked  []actions.Event

	verifies bool // they want to see the content, too

	unasked bool // nobody has to be asked whether an upload may begin

	inLine func(e *actions.Event) error // says what comes of uploads in line; nil: none are
}

func (h *hooks) Ask(_ context.Context, e *actions.Event) (actions.Verdict, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, *e)
	if h.answer == nil {
		return actions.Verdict{}, nil
	}
	return h.answer(e)
}
func (h *hooks) Asks(e *actions.Event) bool {
	return e.Kind == actions.UploadCheck || e.Kind == actions.DeleteCheck || h.verifies && e.Kind == actions.UploadVerify
}
func (h *hooks) Header(all map[string][]string) map[string][]string { return all }
func (h *hooks) Route(*actions.Event) []string                      { return []string{"hook"} }
func (h *hooks) Wants(k actions.Kind) bool {
	return (h.verifies || k != actions.UploadVerify) && k != actions.DownloadCheck && !(h.unasked && k == actions.UploadCheck)
}
func (h *hooks) Wake() {}

// answers sets what the hooks say.
func (h *hooks) answers(f func(e *actions.Event) (actions.Verdict, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

type metrics struct{}

func (metrics) SessionsChanged(int)                          {}
func (metrics) TransferDone(session.Direction, int64, error) {}
func (metrics) CommandDone(error)                            {}
func (metrics) LoginDone(string, error)                      {}

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
	manager *session.Manager
	uploads *session.Resumables
	cfg     tus.Config
	stop    func() error // ends the server and returns what Serve said

	inPlace bool // data stay where they are
}

// newRig starts a server with a user alice who may do everything, changed by the
// functions given.
func newRig(t testing.TB, change ...func(*tus.Config, *dataprovider.User)) *rig {
	t.Helper()
	r := &rig{
		t: t, home: filepath.Join(t.TempDir(), "alice"), store: memstore.New(memstore.Config{}), hooks: &hooks{},
		cfg: tus.DefaultConfig(),
	}
	if err := os.MkdirAll(r.home, 0o755); err != nil {
		t.Fatal(err)
	}
	r.addUser("alice", r.home, func(u *dataprovider.User) {
		for _, c := range change {
			c(&r.cfg, u)
		}
	})
	r.start()
	return r
}

// start makes a new server, as a new process would.
func (r *rig) start() {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	r.manager = session.NewManager(r.store, r.hooks, []vfs.Factory{localfs.NewFactory(log)}, metrics{}, log, 1, session.Config{})
	if _, err := r.manager.Recover(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	policy := r.cfg.Policy(session.StagedPolicy(r.store.Users()))
	if r.inPlace {
		policy.InPlace, policy.Data = true, func(rec dataprovider.Upload) string { return "/data-" + rec.ID }
	}
	r.uploads = session.NewResumables(r.manager, r.store.Uploads(), policy, log)
	authn := auth.New(auth.Config{}, r.store, plain{}, metrics{}, log)
	srv, err := tus.New(r.cfg, r.cfg.Bindings[0], "", authn, r.manager, r.uploads, log)
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
		over, stop := context.WithCancel(context.Background())
		stop()
		r.manager.Shutdown(over)
		return <-served
	})
	stop := r.stop
	r.t.Cleanup(func() {
		if err := stop(); err != nil {
			r.t.Errorf("Serve: %v", err)
		}
	})
	r.url = "http://" + l.Addr().String()
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

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

// request makes a request of alice that speaks tus; header lines are "Name: value".
// The name "Login" chooses another user, "-" none; a value "-" leaves a header out.
func (r *rig) request(method, path string, body io.Reader, header ...string) *http.Request {
	r.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = r.url + path
	}
	req, err := http.NewRequest(method, path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	user := "alice"
	req.Header.Set("Tus-Resumable", "1.0.0")
	if body != nil {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "Login":
			user = value
		case value == "-":
			req.Header.Del(name)
		case name == "Host":
			req.Host = value
		default:
			req.Header.Set(name, value)
		}
	}
	if user != "-" {
		req.SetBasicAuth(user, password)
	}
	return req
}

// call sends a request; "-" is no body.
func (r *rig) call(method, path, body string, header ...string) reply {
	r.t.Helper()
	var from io.Reader
	if body != "-" {
		from = strings.NewReader(body)
	}
	return r.send(r.request(method, path, from, header...))
}

func (r *rig) send(req *http.Request) reply {
	r.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// want is call with a status that must come.
func (r *rig) want(status int, method, path, body string, header ...string) reply {
	r.t.Helper()
	got := r.call(method, path, body, header...)
	if got.status != status {
		r.t.Errorf("%s %s %v: status %d, want %d\n%s", method, path, header, got.status, status, got.body)
	}
	return got
}

// metadata encodes pairs of key and value.
func metadata(pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return "Upload-Metadata: " + strings.Join(list, ",")
}

// begin makes an upload and returns its URL.
func (r *rig) begin(length int, name string, header ...string) string {
	r.t.Helper()
	lines := append([]string{"Upload-Length: " + strconv.Itoa(length), metadata("filename", name)}, header...)
	return r.want(201, "POST", "/files", "-", lines...).header.Get("Location")
}

// patch sends data and checks the offset that follows.
func (r *rig) patch(url string, offset int, data string, header ...string) {
	r.t.Helper()
	got := r.want(204, "PATCH", url, data, append([]string{"Upload-Offset: " + strconv.Itoa(offset)}, header...)...)
	if o := got.header.Get("Upload-Offset"); o != strconv.Itoa(offset+len(data)) {
		r.t.Errorf("offset %s after %d bytes at %d", o, len(data), offset)
	}
}

// offset asks where an upload is.
func (r *rig) offset(url string) int {
	r.t.Helper()
	n, err := strconv.Atoi(r.want(200, "HEAD", url, "-").header.Get("Upload-Offset"))
	if err != nil {
		r.t.Error(err)
	}
	return n
}

// content is what lies at name in the home, or "-" for nothing.
func (r *rig) content(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.home, name))
	if os.IsNotExist(err) {
		return "-"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// staged are the names of the data that wait.
func (r *rig) staged() []string {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.home, vfs.UploadsDir))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// usage is what is counted for alice.
func (r *rig) usage() dataprovider.Amount {
	r.t.Helper()
	u, err := r.store.Usage().Get(context.Background(), "alice")
	if err != nil {
		r.t.Fatal(err)
	}
	return u.Amount
}

// take returns what waits for delivery, and removes it.
func (r *rig) take() []actions.Event {
	r.t.Helper()
	ctx := context.Background()
	var all []actions.Event
	for {
		list, err := r.store.Outbox().Claim(ctx, "hook", 100, time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(list) == 0 {
			return all
		}
		for _, d := range list {
			var e actions.Event
			if err := json.Unmarshal(d.Event, &e); err != nil {
				r.t.Fatal(err)
			}
			all = append(all, e)
			if err := r.store.Outbox().Done(ctx, d.ID); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// events are those of take as "kind name offset/length status".
func (r *rig) events() []string {
	r.t.Helper()
	return describe(r.take())
}

func describe(events []actions.Event) []string {
	var lines []string
	for _, e := range events {
		length := "?"
		if e.Transfer != nil && e.Transfer.Length != nil {
			length = strconv.FormatInt(*e.Transfer.Length, 10)
		}
		offset := int64(-1)
		if e.Transfer != nil {
			offset = e.Transfer.Offset
		}
		lines = append(lines, fmt.Sprintf("%s %s %d/%s %d", e.Kind, e.Object.Name, offset, length, e.Result.Status))
	}
	return lines
}

func itoa(n int) string { return strconv.Itoa(n) }

// restartServer ends the server and starts another one on the same store.
func (r *rig) restartServer() {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

// at is the URL of an upload at the server of now.
func (r *rig) at(url string) string { return r.url + "/files/" + filepath.Base(url) }

// id is that of the upload that became a file.
func (r *rig) id(name string) string {
	r.t.Helper()
	for u, err := range r.store.Uploads().List(context.Background(), "alice", "") {
		if err != nil {
			r.t.Fatal(err)
		}
		if u.Name == "/"+name {
			return u.ID
		}
	}
	r.t.Fatalf("no upload became %s", name)
	return ""
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}
