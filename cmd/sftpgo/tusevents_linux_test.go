package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toldUpload is what the payload of each format says, under one name.
type toldUpload struct {
	event   string
	id      string
	offset  int64
	length  int64 // -1: null
	path    string
	partial bool
	final   bool
	parts   []string
	remote  string
}

// parseTold reads a payload of any format of the contract.
func parseTold(t *testing.T, schema, event string, object []byte) toldUpload {
	t.Helper()
	checkPayload(t, schema, object)
	var p struct {
		Upload struct {
			ID             string
			Offset         int64
			Length, Size   *int64
			Path           *string
			IsPartial      bool
			Partial        bool `json:"is_partial"`
			IsFinal        bool
			Final          bool `json:"is_final"`
			Parts          []string
			PartialUploads []string
			Storage        json.RawMessage
		}
		Request struct {
			Remote *string `json:"remote_addr"`
		}
		HTTPRequest struct{ RemoteAddr *string }
	}
	noError(t, json.Unmarshal(object, &p))
	u := toldUpload{event: event, id: p.Upload.ID, offset: p.Upload.Offset, length: -1, parts: append(p.Upload.Parts, p.Upload.PartialUploads...)}
	u.partial, u.final = p.Upload.Partial || p.Upload.IsPartial, p.Upload.Final || p.Upload.IsFinal
	for _, n := range []*int64{p.Upload.Length, p.Upload.Size} {
		if n != nil {
			u.length = *n
		}
	}
	path := p.Upload.Path
	var storage struct{ Path *string }
	if json.Unmarshal(p.Upload.Storage, &storage) == nil && path == nil {
		path = storage.Path
	}
	if path != nil {
		u.path = *path
	}
	for _, remote := range []*string{p.Request.Remote, p.HTTPRequest.RemoteAddr} {
		if remote != nil {
			u.remote = *remote
		}
	}
	return u
}

// toldTo is what one hook has heard, in its order.
type toldTo func() []toldUpload

// recorders makes a program, a directory of programs and an endpoint, which all agree
// to everything, and the options for them.
func recorders(t *testing.T, schema string) (hooks map[string]toldTo, options []string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		noError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		noError(t, os.WriteFile(path, []byte(text), 0o755))
		return path
	}
	// One write for each line: several may run at a time.
	single := write("single", "#!/bin/sh\nprintf '%s %s\\n' \"$1\" \"$2\" >> "+dir+"/single.told\n")
	for _, event := range tusEvents() {
		write("dir/"+event, "#!/bin/sh\nprintf '%s %s\\n' "+event+" \"$1\" >> "+dir+"/dir.told\n")
	}
	lines := func(name string) toldTo {
		return func() (all []toldUpload) {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return nil
			}
			for line := range strings.Lines(string(text)) {
				event, object, _ := strings.Cut(strings.TrimSpace(line), " ")
				all = append(all, parseTold(t, schema, event, []byte(object)))
			}
			return all
		}
	}
	var mu sync.Mutex
	var posted []toldUpload
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, parseTold(t, schema, r.Header.Get("Hook-Name"), body))
	}))
	t.Cleanup(endpoint.Close)
	hooks = map[string]toldTo{
		"file": lines("single.told"), "directory": lines("dir.told"),
		"http": func() []toldUpload {
			mu.Lock()
			defer mu.Unlock()
			return append([]toldUpload(nil), posted...)
		},
	}
	return hooks, []string{"--hooks-file", single, "--hooks-dir", filepath.Join(dir, "dir"), "--hooks-http-urls", endpoint.URL}
}

// upload is what a client does with one upload, and what hooks must hear of it.
type uploadStory struct {
	name string
	tell func(p *tusProcess) (location string)
	want string // "event offset/length", * for an unknown length
}

func uploadStories() []uploadStory {
	create := func(p *tusProcess, body string, headers ...string) string {
		return p.send("POST", "/files/", body, headers...).Get("Location")
	}
	patch := func(p *tusProcess, location string, offset int, body string, headers ...string) {
		p.send("PATCH", pathOf(location), body, append(headers, "Upload-Offset", fmt.Sprint(offset))...)
	}
	return []uploadStory{
		{"POST and three PATCHes", func(p *tusProcess) string {
			l := create(p, "", "Upload-Length", "9")
			for i := range 3 {
				patch(p, l, 3*i, "abc")
			}
			return l
		}, "pre-create 0/9, post-create 0/9, post-receive 3/9, post-receive 6/9, post-finish 9/9"},
		{"POST and PATCH", func(p *tusProcess) string {
			l := create(p, "", "Upload-Length", "9")
			patch(p, l, 0, "abcdefghi")
			return l
		}, "pre-create 0/9, post-create 0/9, post-finish 9/9"},
		{"POST with all", func(p *tusProcess) string {
			return create(p, "abcdefghi", "Upload-Length", "9")
		}, "pre-create 0/9, post-finish 9/9"},
		{"POST with a part", func(p *tusProcess) string {
			l := create(p, "abc", "Upload-Length", "9")
			patch(p, l, 3, "defghi")
			return l
		}, "pre-create 0/9, post-create 3/9, post-finish 9/9"},
		{"empty", func(p *tusProcess) string {
			return create(p, "", "Upload-Length", "0")
		}, "pre-create 0/0, post-finish 0/0"},
		{"length told later", func(p *tusProcess) string {
			l := create(p, "", "Upload-Defer-Length", "1")
			patch(p, l, 0, "abc")
			patch(p, l, 3, "def", "Upload-Length", "9")
			patch(p, l, 6, "ghi")
			return l
		}, "pre-create 0/*, post-create 0/*, post-receive 3/*, post-receive 6/9, post-finish 9/9"},
		{"deleted", func(p *tusProcess) string {
			l := create(p, "abc", "Upload-Length", "9")
			p.send("DELETE", pathOf(l), "")
			return l
		}, "pre-create 0/9, post-create 3/9, pre-terminate 3/9, post-terminate 3/9"},
		{"wrong offset", func(p *tusProcess) string {
			l := create(p, "", "Upload-Length", "9")
			if status := p.refused("PATCH", pathOf(l), "abc", "Upload-Offset", "5"); status != http.StatusConflict {
				p.t.Errorf("wrong offset: %d", status)
			}
			return l
		}, "pre-create 0/9, post-create 0/9"},
	}
}

func pathOf(location string) string { return location[strings.Index(location, "/files/"):] }

func idAt(location string) string {
	return strings.Trim(strings.TrimPrefix(pathOf(location), "/files/"), "/")
}

// refused makes a request that fails.
func (p *tusProcess) refused(method, path, body string, headers ...string) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url(path), strings.NewReader(body))
	noError(p.t, err)
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	noError(p.t, err)
	resp.Body.Close()
	return resp.StatusCode
}

// storyOf is the story of an upload as a hook heard it.
func storyOf(told []toldUpload, id string) string {
	var events []string
	for _, u := range told {
		if u.id != id {
			continue
		}
		length := fmt.Sprint(u.length)
		if u.length < 0 {
			length = "*"
		}
		events = append(events, fmt.Sprintf("%s %d/%s", u.event, u.offset, length))
	}
	return questionsFirst(strings.Join(events, ", "))
}

// questionsFirst puts questions in front of events. Each of the two come in order, but
// a question does not wait for what is told in the background.
func questionsFirst(story string) string {
	var questions, events []string
	for _, e := range strings.Split(story, ", ") {
		if strings.HasPrefix(e, "pre-") {
			questions = append(questions, e)
		} else {
			events = append(events, e)
		}
	}
	return strings.Join(append(questions, events...), ", ")
}

// TestTusEvents is the table of events of the contract, for each format and for
// programs, directories of programs and URLs.
func TestTusEvents(t *testing.T) {
	for format, schema := range map[string]string{"default": "rustus", "v2": "rustus-v2", "tusd": "tusd"} {
		t.Run(format, func(t *testing.T) {
			hooks, options := recorders(t, schema)
			srv := startTus(t, append(options, "--hooks-format", format)...)
			want := map[string]string{}
			for _, s := range uploadStories() {
				want[idAt(s.tell(srv))] = s.want
			}
			parts := make([]string, 2)
			for i := range parts {
				l := srv.send("POST", "/files/", "", "Upload-Length", "3", "Upload-Concat", "partial").Get("Location")
				srv.send("PATCH", pathOf(l), "abc", "Upload-Offset", "0")
				parts[i] = l
				want[idAt(l)] = "pre-create 0/3, post-create 0/3, post-finish 3/3"
			}
			final := idAt(srv.send("POST", "/files/", "", "Upload-Concat", "final;"+strings.Join(parts, " ")).Get("Location"))
			for hook, told := range hooks {
				waitUntil(t, hook+" has heard all", func() error {
					for id, story := range want {
						if got := storyOf(told(), id); got != questionsFirst(story) {
							return fmt.Errorf("%s: %s, want %s", id, got, questionsFirst(story))
						}
					}
					if got := storyOf(told(), final); !strings.HasPrefix(got, "pre-create 0/") || !strings.HasSuffix(got, ", post-finish 6/6") {
						return fmt.Errorf("final: %s", got)
					}
					return nil
				})
				checkTold(t, srv, hook, told(), parts, final)
			}
			srv.end(syscall.SIGTERM)
		})
	}
}

// checkTold checks what a story does not show.
func checkTold(t *testing.T, srv *tusProcess, hook string, told []toldUpload, parts []string, final string) {
	t.Helper()
	ids := []string{idAt(parts[0]), idAt(parts[1])}
	for _, u := range told {
		path := filepath.Join(srv.dir, "data", u.id)
		if u.event == "pre-create" {
			path = ""
		}
		if real, err := filepath.EvalSymlinks(srv.dir); err == nil && path != "" {
			path = filepath.Join(real, "data", u.id)
		}
		if u.path != path || u.remote != "127.0.0.1" {
			t.Errorf("%s: %s: path %q, want %q; from %q", hook, u.event, u.path, path, u.remote)
		}
		if part := u.id == ids[0] || u.id == ids[1]; u.partial != part || u.final != (u.id == final) {
			t.Errorf("%s: %+v", hook, u)
		}
		if diff := cmp.Diff(ids, u.parts); u.id == final && diff != "" {
			t.Errorf("%s: parts %s", hook, diff)
		}
	}
}

// TestTusOrderOfHooks: the first that refuses ends the question; of events all hear,
// whatever becomes of the others.
func TestTusOrderOfHooks(t *testing.T) {
	hooks, options := recorders(t, "rustus")
	broken := filepath.Join(t.TempDir(), "broken")
	noError(t, os.WriteFile(broken, []byte("#!/bin/sh\nexit 3\n"), 0o755))
	srv := startTus(t, append(options, "--hooks-file", broken)...)
	if status := srv.refused("POST", "/files/", "", "Upload-Length", "3"); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	for _, hook := range []string{"directory", "http"} {
		if told := hooks[hook](); len(told) != 0 {
			t.Errorf("%s was asked: %+v", hook, told)
		}
	}
	if left := srv.stored(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	srv.end(syscall.SIGTERM)

	srv.args = append(srv.args, "--hooks", "post-create")
	srv.start()
	id := idAt(srv.send("POST", "/files/", "", "Upload-Length", "3").Get("Location"))
	for _, hook := range []string{"directory", "http"} {
		waitUntil(t, hook+" has heard", func() error {
			if got := storyOf(hooks[hook](), id); got != "post-create 0/3" {
				return fmt.Errorf("told %q", got)
			}
			return nil
		})
	}
}

// TestTusBehindProxy: the address in payloads is the one of the client.
func TestTusBehindProxy(t *testing.T) {
	hooks, options := recorders(t, "rustus")
	srv := startTus(t, append(options, "--behind-proxy", "--hooks", "pre-create")...)
	remotes := func(n int) (list []string) {
		waitUntil(t, "the hook was asked", func() error {
			list = nil
			for _, u := range hooks["http"]() {
				list = append(list, u.remote)
			}
			if len(list) < n {
				return fmt.Errorf("%v", list)
			}
			return nil
		})
		return list
	}
	forged := []string{"X-Forwarded-For", "203.0.113.5, 198.51.100.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "up.example.com"}
	location := srv.send("POST", "/files/", "", append(forged, "Upload-Length", "3")...).Get("Location")
	if !strings.HasPrefix(location, "https://up.example.com/files/") {
		t.Errorf("location %s", location)
	}
	srv.send("POST", "/files/", "", "Upload-Length", "3", "Forwarded", `for="[2001:db8::5]:99"`)
	srv.end(syscall.SIGTERM)
	srv.args = append(srv.args, "--trusted-proxies", "10.0.0.0/8")
	srv.start()
	location = srv.send("POST", "/files/", "", append(forged, "Upload-Length", "3")...).Get("Location")
	if !strings.HasPrefix(location, srv.url("/files/")) {
		t.Errorf("location %s", location)
	}
	if diff := cmp.Diff([]string{"203.0.113.5", "2001:db8::5", "127.0.0.1"}, remotes(3)); diff != "" {
		t.Error(diff)
	}
}
