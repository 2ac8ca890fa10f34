package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lifeReceiver notes what the hooks of TestLifeOverProtocols are told, by account.
type lifeReceiver struct {
	mu     sync.Mutex
	lines  map[string][]string // by hook, account and path: only events of one path are in order
	faults []string
	ids    map[string]string // of the upload that began last, by hook, account and path
	count  int
}

// hookBody has the fields of all formats that the test reads.
type hookBody struct {
	Upload struct {
		ID       string
		Offset   int64
		Length   *int64
		Metadata struct{ Path, Username string }
	}
	Request struct {
		Method  string
		URI     string
		Headers map[string]string
	}
	Event struct {
		Upload struct {
			ID       string
			Offset   int64
			Size     int64
			MetaData struct{ Path, Username string }
		}
	}
	Action, Username, IP string
	VirtualPath          string `json:"virtual_path"`
	SessionID            string `json:"session_id"`
	TransferID           string `json:"transfer_id"`
	Timestamp            int64
	Status               int
	FileSize             int64 `json:"file_size"`
	Existed              *bool
	PreviousSize         int64 `json:"previous_size"`
}

func (r *lifeReceiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(req.Body)
	var b hookBody
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.faults = append(r.faults, err.Error())
		return
	}
	hook, event := path.Base(req.URL.Path), req.Header.Get("Hook-Name")
	user, line, id, at := "", "", "", ""
	switch hook {
	case "rustus":
		up := b.Upload
		length := "unknown"
		if up.Length != nil {
			length = fmt.Sprint(*up.Length)
		}
		user, id, at = up.Metadata.Username, up.ID, up.Metadata.Path
		line = fmt.Sprintf("%s %s %s %d of %s", event, b.Request.Method, at, up.Offset, length)
		if b.Request.URI != at || (b.Request.Method == "PUT") != (b.Request.Headers["host"] != "") {
			r.faults = append(r.faults, "request of "+string(text))
		}
	case "tusd":
		up := b.Event.Upload
		user, id, at = up.MetaData.Username, up.ID, up.MetaData.Path
		line = fmt.Sprintf("%s %s %d of %d", event, at, up.Offset, up.Size)
	default:
		user, id, at = b.Username, b.TransferID, b.VirtualPath
		line = fmt.Sprintf("%s %s %d %d", b.Action, at, b.Status, b.FileSize)
		if b.Existed != nil {
			line += fmt.Sprintf(" existed %v %d", *b.Existed, b.PreviousSize)
		}
		if b.IP != "127.0.0.1" || b.SessionID == "" || b.Timestamp == 0 || (id == "") != (b.Existed == nil) {
			r.faults = append(r.faults, "later fields of "+string(text))
		}
	}
	key := hook + " " + user + " " + at
	if hook != "files" {
		if before := r.ids[key]; event != "post-create" && before != "" && before != id {
			r.faults = append(r.faults, fmt.Sprintf("%s %s has the id %s, its beginning %s", key, event, id, before))
		}
		r.ids[key] = ""
		if event == "post-create" {
			r.ids[key] = id
		}
	}
	r.lines[key] = append(r.lines[key], line)
	r.count++
}

// TestLifeOverProtocols holds which events of the life of an upload each protocol
// has, in formats of upload hooks and in that of the actions.
func TestLifeOverProtocols(t *testing.T) {
	t.Parallel()
	r := &lifeReceiver{lines: map[string][]string{}, ids: map[string]string{}}
	endpoint := httptest.NewServer(r)
	defer endpoint.Close()
	settings := []string{"SFTPGO_COMMON__UPLOAD_MODE=2"}
	for i, h := range [][3]string{{"rustus", "rustus", ""}, {"tusd", "tusd-v2", ""}, {"files", "sftpgo", "upload,mkdir,rmdir"}} {
		prefix := fmt.Sprintf("SFTPGO_HOOKS__%d__", i)
		settings = append(settings, prefix+"NAME="+h[0], prefix+"TARGET="+endpoint.URL+"/"+h[0], prefix+"FORMAT="+h[1])
		if h[2] != "" {
			settings = append(settings, prefix+"EVENTS="+h[2])
		}
	}
	s := newRealServer(t, settings...)
	protocols := []string{viaSFTP, viaSCP, viaFTP, viaDAV}
	worlds := map[string]*world{}
	for _, protocol := range protocols {
		worlds[protocol] = &world{protocol: protocol, server: s, mode: 2}
		s.addUser(t, worlds[protocol].account(false))
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	total := 0
	for _, protocol := range protocols {
		w := worlds[protocol]
		live(t, w)
		for hook, lines := range lifeOf(protocol) {
			for _, line := range lines {
				at, _, _ := strings.Cut(line[strings.IndexByte(line, '/'):], " ")
				key := hook + " " + w.account(false) + " " + at
				want[key] = append(want[key], line)
			}
			total += len(lines)
		}
	}
	heard := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.count >= total
	}
	if !eventually(patience, heard) {
		t.Error("events are missing")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	endpoint.Close() // nobody writes to r any more
	if d := cmp.Diff(want, r.lines); d != "" {
		t.Error(d)
	}
	for _, fault := range r.faults {
		t.Error(fault)
	}
}

// live does what the test is about.
func live(t *testing.T, w *world) {
	t.Helper()
	a, err := dialActor(w.server, w.protocol, w.account(false))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	do := func(name string, err error) {
		if err != nil {
			t.Fatalf("%s, %s: %v", w.protocol, name, err)
		}
	}
	do("upload", a.put("/a", bytesOf(1000)))
	do("overwrite", a.put("/a", bytesOf(500)))
	if w.protocol == viaSFTP || w.protocol == viaFTP {
		do("resume", a.resume("/a", bytesOf(700)[500:]))
	}
	do("mkdir", a.mkdir("/d"))
	if w.protocol != viaSCP {
		do("rmdir", a.rmdir("/d"))
	}
	do("cut", cutOff("/cut")(a, w))
}

// lifeOf is what each hook is told of live.
func lifeOf(protocol string) map[string][]string {
	method := map[string]string{viaSFTP: "OPEN", viaSCP: "SCP", viaFTP: "STOR", viaDAV: "PUT"}[protocol]
	told := protocol == viaSCP || protocol == viaDAV // the client says how long it will be
	length := func(n int) string {
		if told {
			return fmt.Sprint(n)
		}
		return "unknown"
	}
	size := func(n int) int {
		if told {
			return n
		}
		return 0
	}
	var rustus, tusd, files []string
	upload := func(name string, n, old int) {
		if protocol != viaDAV { // a PUT is one request
			rustus = append(rustus, fmt.Sprintf("post-create %s %s 0 of %s", method, name, length(n)))
		}
		rustus = append(rustus, fmt.Sprintf("post-finish %s %s %d of %d", method, name, n, n))
		tusd = append(tusd, fmt.Sprintf("post-create %s 0 of %d", name, size(n)), fmt.Sprintf("post-finish %s %d of %d", name, n, n))
		files = append(files, fmt.Sprintf("upload %s 1 %d existed %v %d", name, n, old > 0, old))
	}
	upload("/a", 1000, 0)
	upload("/a", 500, 1000)
	if protocol == viaSFTP || protocol == viaFTP {
		again := method
		if protocol == viaFTP {
			again = "APPE"
		}
		rustus = append(rustus, "post-create "+again+" /a 500 of unknown", "post-finish "+again+" /a 700 of 700")
		tusd = append(tusd, "post-create /a 500 of 0", "post-finish /a 700 of 700")
		files = append(files, "upload /a 1 700 existed true 500")
	}
	files = append(files, "mkdir /d 1 0")
	if protocol != viaSCP {
		files = append(files, "rmdir /d 1 0")
	}
	if protocol != viaDAV {
		rustus = append(rustus, fmt.Sprintf("post-create %s /cut 0 of %s", method, length(whole)))
	}
	rustus = append(rustus, fmt.Sprintf("post-receive %s /cut %d of %s", method, part, length(whole)))
	tusd = append(tusd, fmt.Sprintf("post-create /cut 0 of %d", size(whole)), fmt.Sprintf("post-receive /cut %d of %d", part, size(whole)))
	files = append(files, fmt.Sprintf("upload /cut 0 %d existed false 0", part))
	return map[string][]string{"rustus": rustus, "tusd": tusd, "files": files}
}
