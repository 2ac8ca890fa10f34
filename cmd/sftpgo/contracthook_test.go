package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dumped is what a hook was given, byte by byte.
type dumped struct {
	Event  string   `json:"event"` // its id: unique, and in the order of events
	Action string   `json:"action"`
	File   string   `json:"file"`
	Lines  []string `json:"lines"`
}

// dumpProgram is a hook that writes all that it is given into a file for each event,
// below $EVENTS. It has handled what is called handled, if that is to be deleted.
func dumpProgram() {
	d := dumped{Event: os.Getenv("SFTPGO_ACTION_EVENT_ID")}
	if len(os.Args) > 3 {
		d.Action, d.File = os.Args[1], os.Args[3]
	}
	for i, a := range os.Args[1:] {
		d.Lines = append(d.Lines, fmt.Sprintf("argument %d: %q", i+1, a))
	}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "SFTPGO_ACTION") {
			d.Lines = append(d.Lines, fmt.Sprintf("variable: %q", v))
		}
	}
	input, err := io.ReadAll(os.Stdin)
	if err == nil {
		d.Lines = append(d.Lines, fmt.Sprintf("standard input: %q", input))
		err = d.write(os.Getenv("EVENTS"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if d.Action == "pre-delete" && path.Base(d.File) != "handled" {
		os.Exit(1)
	}
	os.Exit(0)
}

// dumpEndpoint is the same behind a URL.
type dumpEndpoint struct{ dir string }

func (h dumpEndpoint) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	d := dumped{Event: req.Header.Get("Idempotency-Key")}
	var names struct{ Action, Path string }
	if err := json.Unmarshal(body, &names); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.Action, d.File = names.Action, names.Path
	d.Lines = append(d.Lines, fmt.Sprintf("request: %s %s", req.Method, req.RequestURI))
	if req.ContentLength != int64(len(body)) {
		d.Lines = append(d.Lines, fmt.Sprintf("%d bytes were announced, %d came", req.ContentLength, len(body)))
	}
	var headers []string
	for name, values := range req.Header {
		if name != "Content-Length" { // compared above; it changes with the length of paths
			headers = append(headers, fmt.Sprintf("header: %s: %q", name, values))
		}
	}
	slices.Sort(headers)
	d.Lines = append(append(d.Lines, headers...), "body: "+strings.TrimSuffix(string(body), "\n"))
	if !strings.HasSuffix(string(body), "}\n") {
		d.Lines = append(d.Lines, "the body does not end with a line feed")
	}
	if err := d.write(h.dir); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if d.Action == "pre-delete" && path.Base(d.File) != "handled" {
		w.WriteHeader(http.StatusNoContent)
	}
}

// write is atomic: who reads sees all of it or nothing.
func (d dumped) write(dir string) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".dump-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path.Join(dir, d.Event+"-"+path.Base(d.Action)))
}

// dumps reads what was told, in the order of events.
func dumps(dir string) ([]dumped, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	var list []dumped
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		text, err := os.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		var d dumped
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		list = append(list, d)
	}
	return list, nil
}

// startDump returns the setting for a hook, and where it writes to.
func startDump(t *testing.T, kind string) (setting, dir string) {
	t.Helper()
	dir = t.TempDir()
	if kind == "http" {
		endpoint := httptest.NewServer(dumpEndpoint{dir})
		t.Cleanup(endpoint.Close)
		return endpoint.URL + "/events?site=a&b=%20", dir
	}
	return programOf(t, "dumpprogram"), dir
}

// text is a dump as the golden files have it: what differs from run to run is
// replaced, nothing else.
func (d dumped) text(data string) string {
	text := strings.ReplaceAll(strings.Join(d.Lines, "\n"), data, "DATA/")
	return anyID.ReplaceAllString(text, "ID") + "\n"
}

// anyID finds ids of events.
var anyID = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{26}\b`)

// programOf is the absolute path of one of the programs of the tests.
func programOf(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return program
}
