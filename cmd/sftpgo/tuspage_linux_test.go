package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

var screenshots = flag.Bool("screenshots", false, "write the pictures of the documentation")

// randomFile makes a file of its own content.
func randomFile(t testing.TB, name string, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	seed := [32]byte{}
	copy(seed[:], name)
	rand.NewChaCha8(seed).Read(content)
	path = filepath.Join(t.TempDir(), name)
	noError(t, os.WriteFile(path, content, 0o600))
	return path, content
}

// has reports whether one of the stored files has the content.
func (p *tusProcess) has(content []byte) error {
	for _, path := range p.stored() {
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Equal(got, content) {
			return nil
		}
	}
	return fmt.Errorf("none of %v has the content", p.stored())
}

// TestPage uploads with a real browser: the server is killed in the middle, the page
// is reloaded in the middle, and each time the upload goes on where it stopped.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := newBrowser(t)
	srv := startTus(t)
	way := newValve(t, srv.addr)
	way.turn(0, true)
	small, smallContent := randomFile(t, "holiday.jpg", 300<<10)
	big, bigContent := randomFile(t, "interview.mov", 48<<20)
	other, otherContent := randomFile(t, "archive.zip", 32<<20)

	b.open("http://" + way.addr + "/")
	b.choose("#pick", small)
	b.until("the small file is complete", `document.querySelectorAll('li.done').length === 1`)
	noError(t, srv.has(smallContent))

	way.turn(20<<20, false)
	b.choose("#pick", big)
	b.until("a part of the big file has gone", `document.querySelector('li progress').value > 0.3`)
	waitUntil(t, "the server has some of it", func() error { return srv.holds(16<<20, len(bigContent)) })
	if *screenshots {
		noError(t, os.WriteFile("../../docs/images/upload-page.png", b.screenshot(), 0o644))
	}
	srv.end(syscall.SIGKILL)
	srv.start()
	if err := srv.holds(16<<20, len(bigContent)); err != nil {
		t.Error("what had come is lost: ", err)
	}
	way.turn(0, true)
	b.until("the big file is complete", `document.querySelectorAll('li.done').length === 2`)
	noError(t, srv.has(bigContent))

	way.turn(12<<20, false)
	b.choose("#pick", other)
	b.until("a part of the other file has gone", `document.querySelector('li progress').value > 0.2`)
	waitUntil(t, "the server has some of it", func() error { return srv.holds(8<<20, len(otherContent)) })
	click(b, "li .go")
	b.until("it is paused", `document.querySelector('li').className === 'paused'`)
	way.turn(0, true)
	b.reload()
	b.until("the page remembers it", `document.querySelectorAll('li').length === 1 && document.querySelector('li.waiting progress').value > 0.2`)
	b.choose("#pick", other)
	b.until("the other file is complete", `document.querySelectorAll('li.done').length === 1`)
	noError(t, srv.has(otherContent))
	b.reload()
	b.until("nothing is left to do", `document.querySelectorAll('li').length === 0`)
	if got := len(srv.stored()); got != 3 {
		t.Errorf("%d files, want 3: one was begun anew", got)
	}
	for _, fault := range b.complaints() {
		if !strings.Contains(fault, "net::ERR") { // the server was away
			t.Errorf("the page: %s", fault)
		}
	}
}

// TestPageRemove takes back what was begun.
func TestPageRemove(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := newBrowser(t)
	srv := startTus(t)
	way := newValve(t, srv.addr)
	way.turn(8<<20, false)
	big, content := randomFile(t, "interview.mov", 32<<20)
	b.open("http://" + way.addr + "/")
	b.choose("#pick", big)
	waitUntil(t, "the server has some of it", func() error { return srv.holds(4<<20, len(content)) })
	way.turn(0, true)
	click(b, "li .drop")
	b.until("it has gone", `document.querySelectorAll('li').length === 0`)
	waitUntil(t, "the server has nothing", func() error {
		if left := srv.stored(); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	b.reload()
	b.until("nothing is left to do", `document.querySelectorAll('li').length === 0`)
}

// TestPageBehindProxy: a proxy whose server is away for a moment does not make the page
// forget what was begun.
func TestPageBehindProxy(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := newBrowser(t)
	srv := startTus(t)
	backend, err := url.Parse("http://" + srv.addr)
	noError(t, err)
	var away atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(backend)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch || away.Load() && r.Method == http.MethodHead {
			http.Error(w, "nobody is there", http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	file, _ := randomFile(t, "interview.mov", 1<<20)
	b.open(front.URL + "/")
	b.choose("#pick", file)
	b.until("the browser knows the upload that is begun", `localStorage.length === 1`)
	const remembered = `document.querySelectorAll('li.waiting').length === 1`
	b.reload()
	b.until("the page remembers it", remembered)
	away.Store(true)
	b.reload()
	b.until("the page remembers it while the server is away", remembered)
	away.Store(false)
	b.reload()
	b.until("the page remembers it when the server is back", remembered)
}

func click(b *browser, selector string) {
	b.t.Helper()
	if _, err := b.eval(`document.querySelector('` + selector + `').click()`); err != nil {
		b.t.Fatal(err)
	}
}

// holds tells whether an upload has got at least so many bytes, and not all.
func (p *tusProcess) holds(least, all int) error {
	for _, path := range p.stored() {
		if info, err := os.Stat(path); err == nil && info.Size() >= int64(least) && info.Size() < int64(all) {
			return nil
		}
	}
	return fmt.Errorf("no upload has between %d and %d bytes", least, all)
}
