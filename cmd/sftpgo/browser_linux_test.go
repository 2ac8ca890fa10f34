package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// patienceOfBrowser is how long tests wait for what must happen at some time.
const patienceOfBrowser = 2 * time.Minute

// browser is a headless Chromium with one page, driven over its DevTools protocol.
type browser struct {
	t       testing.TB
	ws      *websocket.Conn
	session string

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	faults  []string // what the console of the page complains about
}

// reply is an answer or an event of the browser.
type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// newBrowser starts Chromium with a profile of its own. Where there is none the test
// is skipped, in CI it fails.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing; run .ci/clients")
		}
		t.Skip("chromium is not installed")
	}
	profile := t.TempDir()
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--hide-scrollbars", "--force-device-scale-factor=2", "--remote-debugging-port=0", "--remote-allow-origins=*", "--user-data-dir="+profile, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // gone already, perhaps
		_ = cmd.Wait()                                      // killed
		// Helpers of the browser may still write; the directory must be empty for TempDir.
		waitUntil(t, "the profile of the browser is removed", func() error { return os.RemoveAll(profile) })
	})
	var address string
	waitUntil(t, "the browser listens", func() error {
		text, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		if err != nil {
			return err
		}
		port, path, ok := strings.Cut(strings.TrimSpace(string(text)), "\n")
		if !ok {
			return errors.New("half written")
		}
		address = "ws://127.0.0.1:" + port + path
		return nil
	})
	config, err := websocket.NewConfig(address, "http://127.0.0.1")
	noError(t, err)
	ws, err := websocket.DialConfig(config)
	noError(t, err)
	ws.MaxPayloadBytes = 64 << 20
	b := &browser{t: t, ws: ws, waiting: map[int]chan reply{}}
	var reading sync.WaitGroup
	reading.Go(b.read)
	t.Cleanup(func() {
		_ = ws.Close()
		reading.Wait()
	})
	b.attach()
	return b
}

// read hands replies to those who wait.
func (b *browser) read() {
	for {
		var r reply
		if err := websocket.JSON.Receive(b.ws, &r); err != nil {
			return
		}
		b.mu.Lock()
		switch {
		case r.ID != 0:
			if c := b.waiting[r.ID]; c != nil {
				c <- r
				delete(b.waiting, r.ID)
			}
		case r.Method == "Runtime.exceptionThrown", r.Method == "Log.entryAdded":
			b.faults = append(b.faults, string(r.Params))
		}
		b.mu.Unlock()
	}
}

// call asks the browser, and returns false with the text of its error.
func (b *browser) try(method string, params, result any) error {
	b.mu.Lock()
	b.last++
	id, c := b.last, make(chan reply, 1)
	b.waiting[id] = c
	b.mu.Unlock()
	request := map[string]any{"id": id, "method": method, "params": params}
	if b.session != "" {
		request["sessionId"] = b.session
	}
	if err := websocket.JSON.Send(b.ws, request); err != nil {
		return err
	}
	select {
	case r := <-c:
		if r.Error != nil {
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-time.After(patienceOfBrowser):
		return fmt.Errorf("%s: no answer within %v", method, patienceOfBrowser)
	}
}

func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	noError(b.t, b.try(method, params, result))
}

// attach makes a page and speaks to it from now on.
func (b *browser) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"} {
		b.call(domain, map[string]any{}, nil)
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 760, "height": 560, "deviceScaleFactor": 2, "mobile": false}, nil)
}

// open loads a page.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.until("the page is loaded", `document.readyState === 'complete' && location.href.startsWith("http") && typeof tus === 'object'`)
}

// reload loads it again, with what the page remembers.
func (b *browser) reload() {
	b.t.Helper()
	b.call("Page.reload", map[string]any{}, nil)
	b.until("the page is loaded", `document.readyState === 'complete' && typeof tus === 'object'`)
}

// eval returns what JavaScript makes of an expression.
func (b *browser) eval(expression string) (json.RawMessage, error) {
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	err := b.try("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if err == nil && r.ExceptionDetails != nil {
		err = fmt.Errorf("%s: %s", expression, r.ExceptionDetails.Text)
	}
	return r.Result.Value, err
}

// until waits for an expression to be true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	waitUntil(b.t, what, func() error {
		value, err := b.eval(expression)
		if err == nil && string(value) != "true" {
			text, _ := b.eval(`document.body.innerText`)
			err = fmt.Errorf("%s is %s; the page: %s", expression, value, text)
		}
		return err
	})
}

// choose gives a file to an input of the page.
func (b *browser) choose(selector, path string) {
	b.t.Helper()
	var document struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", map[string]any{}, &document)
	var node struct{ NodeID int }
	b.call("DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": selector}, &node)
	b.call("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": []string{path}}, nil)
}

// screenshot returns the page as PNG.
func (b *browser) screenshot() []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	image, err := base64.StdEncoding.DecodeString(shot.Data)
	noError(b.t, err)
	return image
}

// complaints are the errors that the page had and the browser reported.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults
}

// eventually waits until check has no error.
func waitUntil(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patienceOfBrowser)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, patienceOfBrowser, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
