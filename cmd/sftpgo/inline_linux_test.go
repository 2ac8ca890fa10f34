package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// inlineHook is an endpoint that does to an event what the name of the file says.
type inlineHook struct {
	mu       sync.Mutex
	got      map[string]int // by "action name"
	arrived  chan string    // names of those that hang
	released chan struct{}  // closed when they need not hang any more
}

func (h *inlineHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e hookEvent
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := path.Base(e.Path)
	h.mu.Lock()
	h.got[e.Action+" "+name]++
	h.mu.Unlock()
	switch {
	case strings.HasPrefix(name, "broken"):
		http.Error(w, "the archive is full", http.StatusInternalServerError)
	case strings.HasPrefix(name, "refused"):
		http.Error(w, "not today", http.StatusUnprocessableEntity)
	case strings.HasPrefix(name, "hang"):
		select {
		case h.arrived <- name:
		case <-h.released:
		}
		select {
		case <-r.Context().Done():
		case <-h.released:
		}
	}
}

func (h *inlineHook) count(event string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got[event]
}

// startInline starts a server of which the given events are in line.
func startInline(t *testing.T, timeout string, sync string) (*realServer, *inlineHook) {
	h := &inlineHook{got: map[string]int{}, arrived: make(chan string, 100), released: make(chan struct{})}
	endpoint := httptest.NewServer(h)
	t.Cleanup(endpoint.Close)
	p := newRealServer(t, "SFTPGO_COMMON__ACTIONS__HOOK="+endpoint.URL, "SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload,download,delete",
		"SFTPGO_COMMON__ACTIONS__EXECUTE_SYNC="+sync, "SFTPGO_HTTP__TIMEOUT="+timeout, "SFTPGO_HTTP__RETRY_MAX=0")
	p.addUser(t, "alice")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p, h
}

// An upload whose hook fails, fails; its file goes, and the hook is not called again.
func TestInLineUploads(t *testing.T) {
	p, h := startInline(t, "2", "upload")
	for _, protocol := range []string{viaSFTP, viaSCP, viaFTP, viaDAV} {
		t.Run(protocol, func(t *testing.T) {
			a, err := dialActor(p, protocol, "alice")
			if err != nil {
				t.Fatal(err)
			}
			defer a.close()
			for _, c := range []struct{ name, says string }{
				{"fine", ""},
				{"broken", "archive is full"},
				{"refused", "not today"},
				{"hang", "want of an answer"},
			} {
				name := c.name + protocol
				err := a.put("/"+name, []byte("content"))
				// The DAV actor knows the status only, and that of SFTP no text of a refusal.
				known := protocol != viaDAV && (protocol != viaSFTP || c.name != "refused")
				if (err == nil) != (c.says == "") || err != nil && known && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v", name, err)
				}
				if n := h.count("upload " + name); n != 1 {
					t.Errorf("%s: answered when the hook had %d events", name, n)
				}
				_, err = os.Stat(p.data("alice/" + name))
				if (err == nil) != (c.says == "") {
					t.Errorf("%s: file: %v", name, err)
				}
			}
		})
	}
	out, err := p.output("events", "list")
	if err != nil || strings.Contains(out, "upload") {
		t.Errorf("events wait: %v\n%s", err, out)
	}
	out, err = p.output("user", "show", "alice")
	if err != nil || !strings.Contains(out, "files:          4\n") {
		t.Errorf("usage: %v\n%s", err, out)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// A server that is killed while a client waits has not lost the event; and nobody
// waits for events that are not in the list.
func TestInLineCrash(t *testing.T) {
	p, h := startInline(t, "20", "upload")
	var answered sync.WaitGroup
	protocols := []string{viaSFTP, viaSCP, viaFTP, viaDAV}
	errs := make([]error, len(protocols))
	for i, protocol := range protocols {
		a, err := dialActor(p, protocol, "alice")
		if err != nil {
			t.Fatal(err)
		}
		defer a.close()
		answered.Go(func() { errs[i] = a.put("/hang"+protocol, []byte("content")) })
	}
	for range protocols {
		select {
		case <-h.arrived:
		case <-time.After(time.Minute):
			t.Fatal("the hook did not get the uploads")
		}
	}
	p.kill()
	answered.Wait()
	for i, err := range errs {
		if err == nil {
			t.Errorf("%s: the client was told of success", protocols[i])
		}
	}
	close(h.released)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range protocols {
		event := "upload hang" + protocol
		for deadline := time.Now().Add(2 * time.Minute); h.count(event) < 2; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d", event, h.count(event))
			}
		}
		if _, err := os.Stat(p.data("alice/hang" + protocol)); err != nil {
			t.Error(err)
		}
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// Nobody waits for what is not in the list.
func TestNotInLine(t *testing.T) {
	p, h := startInline(t, "20", "delete")
	a, err := dialActor(p, viaSFTP, "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for i := range 3 { // none of them is answered by the hook
		if err := a.put(fmt.Sprintf("/hang%d", i), []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	close(h.released)
	// In order: the event of the upload comes first.
	if err := a.remove("/hang1"); err != nil {
		t.Fatal(err)
	}
	if h.count("upload hang1") == 0 || h.count("delete hang1") != 1 {
		t.Errorf("got %v", h.got)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}
