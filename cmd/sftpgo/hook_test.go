package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// received is one event as a hook got it.
type received struct {
	Args   []string          `json:"args,omitempty"`
	Env    map[string]string `json:"env,omitempty"`
	Body   string            `json:"body,omitempty"`
	Header map[string]string `json:"header,omitempty"`
}

// hookProgram is the hook of the scripts: it appends what it was told to the
// file $EVENTS, one JSON object per line, and exits with $HOOK_EXIT.
func hookProgram() {
	r := received{Args: os.Args[1:], Env: map[string]string{}}
	for _, kv := range os.Environ() {
		if k, v, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "SFTPGO_ACTION") {
			r.Env[k] = v
		}
	}
	if err := appendLine(os.Getenv("EVENTS"), r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Args[1] == "pre-delete" && os.Getenv("HOOK_HANDLES") != "" {
		if err := os.Rename(os.Args[3], os.Args[3]+".kept"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if code, err := strconv.Atoi(os.Getenv("HOOK_EXIT")); err == nil {
		os.Exit(code)
	}
	if os.Args[1] == "pre-delete" {
		os.Exit(1) // not handled
	}
	os.Exit(0)
}

func appendLine(path string, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// receiver is an HTTP endpoint that writes the same lines.
type receiver struct {
	addr string
	path string
	mu   sync.Mutex
	srv  *http.Server
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r := received{Body: string(body), Header: map[string]string{
		"Content-Type":    req.Header.Get("Content-Type"),
		"Idempotency-Key": req.Header.Get("Idempotency-Key"),
	}}
	for _, name := range []string{"Hook-Name", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if v := req.Header.Get(name); v != "" {
			r.Header[name] = v
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := appendLine(h.path, r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if strings.Contains(r.Body, `"pre-delete"`) {
		w.WriteHeader(http.StatusNoContent) // not 200: not handled
	}
}

func (h *receiver) listen() error {
	l, err := net.Listen("tcp", h.addr)
	if err != nil {
		return err
	}
	h.addr = l.Addr().String()
	srv := &http.Server{Handler: h}
	h.srv = srv
	go func() { _ = srv.Serve(l) }() // ends with close
	return nil
}

func (h *receiver) close() {
	if h.srv != nil {
		_ = h.srv.Close()
		h.srv = nil
	}
}

const allActions = "upload,download,pre-delete,delete,rename,ssh_cmd"

// cmdHook sets the hook of the server to be started: hook program | http. After
// the start, "hook down" and "hook up" unplug the endpoint and put it back.
func cmdHook(ts *testscript.TestScript, neg bool, args []string) {
	r := rigOf(ts)
	if len(args) != 1 {
		ts.Fatalf("usage: hook program|http|down|up")
	}
	switch args[0] {
	case "program":
		program, err := exec.LookPath("hookprogram")
		ts.Check(err)
		ts.Setenv("SFTPGO_COMMON__ACTIONS__HOOK", program)
	case "http":
		r.events = &receiver{addr: "127.0.0.1:0", path: ts.Getenv("EVENTS")}
		ts.Check(r.events.listen())
		ts.Setenv("SFTPGO_COMMON__ACTIONS__HOOK", "http://"+r.events.addr+"/events")
	case "down":
		r.events.close()
	case "up":
		ts.Check(r.events.listen())
	default:
		ts.Fatalf("unknown hook %q", args[0])
	}
	if ts.Getenv("SFTPGO_COMMON__ACTIONS__EXECUTE_ON") == "" {
		ts.Setenv("SFTPGO_COMMON__ACTIONS__EXECUTE_ON", allActions)
	}
}

// cmdEvents waits for N events and compares them with a file: events N GOLDEN.
// Each line of the file is "action path [target] status size protocol", paths
// relative to the data directory, in any order unless -ordered is given.
func cmdEvents(ts *testscript.TestScript, neg bool, args []string) {
	ordered := len(args) > 0 && args[0] == "-ordered"
	if ordered {
		args = args[1:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: events [-ordered] N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var got []string
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got = eventLines(ts)
		if len(got) >= n || time.Now().After(deadline) {
			break
		}
	}
	time.Sleep(200 * time.Millisecond) // one too many is a fault too
	got = eventLines(ts)
	want := strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n")
	if !ordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		ts.Fatalf("events differ\ngot:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// eventLines reads what the hook got. An event that came twice counts once: that
// is what its id is for.
func eventLines(ts *testscript.TestScript) []string {
	data, err := os.ReadFile(ts.Getenv("EVENTS"))
	if err != nil {
		return nil
	}
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		var r received
		if json.Unmarshal([]byte(line), &r) != nil {
			continue // being written
		}
		id, text := summary(r, ts.Getenv("DATA"))
		if id != "" && seen[id] {
			continue
		}
		seen[id] = true
		lines = append(lines, text)
	}
	return lines
}

func summary(r received, data string) (id, text string) {
	var e struct {
		Action   string `json:"action"`
		Path     string `json:"path"`
		Target   string `json:"target_path"`
		Size     int64  `json:"file_size"`
		Status   int    `json:"status"`
		Protocol string `json:"protocol"`
	}
	if r.Body != "" {
		id = r.Header["Idempotency-Key"]
		if err := json.Unmarshal([]byte(r.Body), &e); err != nil {
			return id, "bad body: " + err.Error()
		}
	} else {
		id = r.Env["SFTPGO_ACTION_EVENT_ID"]
		e.Action, e.Path, e.Target = r.Env["SFTPGO_ACTION"], r.Env["SFTPGO_ACTION_PATH"], r.Env["SFTPGO_ACTION_TARGET"]
		e.Size, _ = strconv.ParseInt(r.Env["SFTPGO_ACTION_FILE_SIZE"], 10, 64)
		e.Status, _ = strconv.Atoi(r.Env["SFTPGO_ACTION_STATUS"])
		e.Protocol = r.Env["SFTPGO_ACTION_PROTOCOL"]
	}
	short := func(p string) string { return strings.TrimPrefix(p, data) }
	text = e.Action + " " + short(e.Path)
	if e.Target != "" {
		text += " " + short(e.Target)
	}
	return id, fmt.Sprintf("%s %d %d %s", text, e.Status, e.Size, e.Protocol)
}
