package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// beside starts a second process on the directories of the first.
func (p *tusProcess) beside() *tusProcess {
	p.t.Helper()
	q := startTus(p.t, append(p.args[5:], "--data-dir", filepath.Join(p.dir, "data"), "--info-dir", filepath.Join(p.dir, "data"))...)
	return q
}

// TestTusProcesses: several processes on one directory continue each other's uploads,
// and never write one at the same time.
func TestTusProcesses(t *testing.T) {
	one := startTus(t)
	two := one.beside()
	path := pathOf(one.send("POST", "/files/", "", "Upload-Length", "9").Get("Location"))
	two.send("PATCH", path, "abc", "Upload-Offset", "0")
	one.send("PATCH", path, "def", "Upload-Offset", "3")

	// A request that hangs in one process makes way for one in the other.
	body := &hanging{first: "g", gone: make(chan struct{})}
	defer body.end()
	req, err := http.NewRequestWithContext(t.Context(), "PATCH", one.url(path), body)
	noError(t, err)
	req.ContentLength = 3
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": "6", "Content-Type": "application/offset+octet-stream"} {
		req.Header.Set(name, value)
	}
	hung := make(chan struct{})
	go func() {
		defer close(hung)
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}()
	file := filepath.Join(one.dir, "data", idAt(path))
	waitUntil(t, "the byte has come", func() error { return hasSize(file, 7) })
	waitUntil(t, "the other process goes on", func() error {
		if status := two.refused("PATCH", path, "hi", "Upload-Offset", "7"); status != http.StatusNoContent {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
	body.end()
	<-hung
	got, err := os.ReadFile(file)
	noError(t, err)
	if string(got) != "abcdefghi" {
		t.Errorf("%q", got)
	}
}

func hasSize(path string, size int64) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() != size {
		err = fmt.Errorf("%d bytes", info.Size())
	}
	return err
}

// hanging is a body that says something and then nothing.
type hanging struct {
	first string
	ended atomic.Bool
	gone  chan struct{}
}

// Read implements io.Reader.
func (h *hanging) Read(p []byte) (int, error) {
	if n := copy(p, h.first); n > 0 {
		h.first = h.first[n:]
		return n, nil
	}
	<-h.gone
	return 0, fmt.Errorf("the client has gone")
}

func (h *hanging) end() {
	if !h.ended.Swap(true) {
		close(h.gone)
	}
}

// TestTusAdoption: what a process that was killed had not delivered is delivered by
// whoever starts next, beside another one.
func TestTusAdoption(t *testing.T) {
	dir := t.TempDir()
	told, ready := filepath.Join(dir, "told"), filepath.Join(dir, "ready")
	hook := filepath.Join(dir, "hook")
	noError(t, os.WriteFile(hook, []byte("#!/bin/sh\ntest -e "+ready+" || exit 1\necho \"$1\" >> "+told+"\n"), 0o755))
	one := startTus(t, "--hooks-file", hook, "--hooks", "post-create,post-finish")
	two := one.beside()
	path := pathOf(two.send("POST", "/files/", "", "Upload-Length", "3").Get("Location"))
	two.send("PATCH", path, "abc", "Upload-Offset", "0")
	two.end(syscall.SIGKILL)
	noError(t, os.WriteFile(ready, nil, 0o600))
	one.beside()
	waitUntil(t, "both are told", func() error {
		text, err := os.ReadFile(told)
		// A program that the killed one had started may see the file, too.
		if err == nil && strings.Join(slices.Compact(strings.Fields(string(text))), " ") != "post-create post-finish" {
			err = fmt.Errorf("told %q", text)
		}
		return err
	})
}

// TestTusExpiration: what nobody continues goes, what is complete stays.
func TestTusExpiration(t *testing.T) {
	srv := startTus(t, "--expire-after", "1s")
	header := srv.send("POST", "/files/", "abc", "Upload-Length", "9")
	if _, err := http.ParseTime(header.Get("Upload-Expires")); err != nil {
		t.Errorf("Upload-Expires: %v", err)
	}
	left := pathOf(header.Get("Location"))
	whole := pathOf(srv.send("POST", "/files/", "abc", "Upload-Length", "3").Get("Location"))
	waitUntil(t, "it is gone", func() error {
		if status := srv.refused("HEAD", left, ""); status != http.StatusGone {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
	srv.send("HEAD", whole, "")
	srv.end(syscall.SIGTERM)
	srv.start() // sweeps
	waitUntil(t, "its data are gone", func() error {
		if stored := srv.stored(); len(stored) != 1 {
			return fmt.Errorf("%v", stored)
		}
		return nil
	})
}

// TestTusRustusFiles goes on with what Rustus began.
func TestTusRustusFiles(t *testing.T) {
	srv := startTus(t)
	srv.end(syscall.SIGTERM)
	data, err := filepath.EvalSymlinks(filepath.Join(srv.dir, "data"))
	noError(t, err)
	const id = "3cd911fe-eba0-499a-b220-b1d1b947b80f"
	file := filepath.Join(data, id)
	record := `{"id":"` + id + `","offset":3,"length":9,"path":"` + file + `","created_at":1658671969,"deferred_size":false,` +
		`"is_partial":false,"is_final":false,"parts":null,"storage":"file_storage","metadata":{"filename":"shrek2.mkv"}}`
	noError(t, os.WriteFile(file+".info", []byte(record), 0o644))
	noError(t, os.WriteFile(file, []byte("abcde"), 0o644)) // two bytes more than it told anybody
	srv.start()
	header := srv.send("HEAD", "/files/"+id, "")
	if o, m := header.Get("Upload-Offset"), header.Get("Upload-Metadata"); o != "3" || m != "filename c2hyZWsyLm1rdg==" {
		t.Errorf("offset %s, metadata %s", o, m)
	}
	srv.send("PATCH", "/files/"+id, "def", "Upload-Offset", "3")
	srv.end(syscall.SIGKILL)
	srv.start()
	srv.send("PATCH", "/files/"+id, "ghi", "Upload-Offset", "6")
	got, err := os.ReadFile(file)
	noError(t, err)
	if string(got) != "abcdefghi" {
		t.Errorf("%q", got)
	}
}
