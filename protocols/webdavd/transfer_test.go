package webdavd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

func TestGet(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("a.txt", "0123456789")
	r.write("page.html", "<script>")
	r.write("noext", "<html>")
	r.write("empty", "")
	whole := r.want(200, "GET", "/a.txt", "")
	etag := whole.header.Get("ETag")
	for _, test := range []struct {
		name   string
		header []string
		status int
		body   string
		part   string
	}{
		{"first", []string{"Range: bytes=0-3"}, 206, "0123", "bytes 0-3/10"},
		{"middle", []string{"Range: bytes=4-5"}, 206, "45", "bytes 4-5/10"},
		{"rest", []string{"Range: bytes=7-"}, 206, "789", "bytes 7-9/10"},
		{"suffix", []string{"Range: bytes=-2"}, 206, "89", "bytes 8-9/10"},
		{"beyond", []string{"Range: bytes=8-99"}, 206, "89", "bytes 8-9/10"},
		{"long suffix", []string{"Range: bytes=-99"}, 206, "0123456789", ""},
		{"several", []string{"Range: bytes=0-0,2-2"}, 200, "0123456789", ""},
		{"malformed", []string{"Range: bytes=5-2"}, 200, "0123456789", ""},
		{"other unit", []string{"Range: lines=1-2"}, 200, "0123456789", ""},
		{"unsatisfiable", []string{"Range: bytes=10-"}, 416, "range not satisfiable\n", "bytes */10"},
		{"no suffix", []string{"Range: bytes=-0"}, 416, "range not satisfiable\n", "bytes */10"},
		{"if-range fresh", []string{"Range: bytes=0-0", "If-Range: " + etag}, 206, "0", "bytes 0-0/10"},
		{"if-range time", []string{"Range: bytes=0-0", "If-Range: " + whole.header.Get("Last-Modified")}, 206, "0", "bytes 0-0/10"},
		{"if-range stale", []string{"Range: bytes=0-0", `If-Range: "old"`}, 200, "0123456789", ""},
		{"not modified", []string{"If-None-Match: W/" + etag}, 304, "", ""},
		{"not modified since", []string{"If-Modified-Since: " + whole.header.Get("Last-Modified")}, 304, "", ""},
		{"modified", []string{`If-None-Match: "old"`, "If-Modified-Since: " + whole.header.Get("Last-Modified")}, 200, "0123456789", ""},
		{"match", []string{`If-Match: "x", ` + etag}, 200, "0123456789", ""},
		{"weak is no match", []string{"If-Match: W/" + etag}, 412, "If-Match: the resource is another one\n", ""},
		{"unmodified since", []string{"If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT"}, 412, "If-Unmodified-Since: the resource was modified\n", ""},
	} {
		got := r.call("GET", "/a.txt", "", test.header...)
		if got.status == 206 && test.part == "" {
			test.part, test.status = "bytes 0-9/10", 206
		}
		if test.name == "long suffix" {
			test.status, test.part = got.status, got.header.Get("Content-Range") // either is right
		}
		if got.status != test.status || got.body != test.body || got.header.Get("Content-Range") != test.part {
			t.Errorf("%s: %d %q %q, want %d %q %q", test.name, got.status, got.body, got.header.Get("Content-Range"),
				test.status, test.body, test.part)
		}
	}
	for name, kind := range map[string]string{
		"/a.txt": "text/plain; charset=utf-8", "/page.html": "text/html; charset=utf-8", "/noext": "application/octet-stream",
	} {
		h := r.want(200, "HEAD", name, "").header
		if h.Get("Content-Type") != kind || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", name, h)
		}
	}
	if got := r.want(200, "GET", "/empty", "", "Range: bytes=0-"); got.body != "" || got.header.Get("Content-Length") != "0" {
		t.Errorf("empty file: %v", got)
	}
}

// TestEvents: one operation, its events, in order.
func TestEvents(t *testing.T) {
	for _, test := range []struct {
		method, path string
		header       []string
		status       int
		events       []string
	}{
		{"GET", "/f", nil, 200, []string{"download.done /f 1 5"}},
		{"POST", "/f", nil, 200, []string{"download.done /f 1 5"}},
		{"GET", "/f", []string{"Range: bytes=1-2"}, 206, []string{"download.done /f 1 2"}},
		{"GET", "/f", []string{"If-None-Match: *"}, 304, nil},
		{"GET", "/f", []string{"Range: bytes=9-"}, 416, nil},
		{"HEAD", "/f", nil, 200, nil},
		{"GET", "/d", nil, 207, nil},
		{"PROPFIND", "/d", []string{"Depth: 1"}, 207, nil},
		{"PUT", "/new", nil, 201, []string{"upload.done /new 1 4"}},
		{"PUT", "/f", nil, 204, []string{"upload.done /f 1 4"}},
		{"PUT", "/no/f", nil, 409, nil},
		{"DELETE", "/f", nil, 204, []string{"delete.done /f 1 5"}},
		{"DELETE", "/d", nil, 204, []string{"delete.done /d/a 1 1", "delete.done /d/b 1 2"}},
		{"MKCOL", "/e", nil, 415, nil},
		{"MOVE", "/f", []string{"Destination: @/g"}, 201, []string{"rename.done /f /g 1 0"}},
		{"MOVE", "/f", []string{"Destination: @/d/a"}, 204, []string{"rename.done /f /d/a 1 0"}},
		{"MOVE", "/f", []string{"Destination: @/d"}, 204, []string{
			"delete.done /d/a 1 1", "delete.done /d/b 1 2", "rename.done /f /d 1 0",
		}},
		{"COPY", "/f", []string{"Destination: @/g"}, 201, []string{"download.done /f 1 5", "upload.done /g 1 5"}},
		{"LOCK", "/f", nil, 400, nil},
	} {
		r := newRig(t, session.Config{UploadMode: 1})
		r.write("f", "12345")
		r.write("d/a", "1")
		r.write("d/b", "22")
		body := ""
		if test.method == "PUT" || test.method == "MKCOL" || test.method == "LOCK" {
			body = "body"
		}
		r.want(test.status, test.method, test.path, body, test.header...)
		if diff := cmp.Diff(test.events, r.waitEvents(len(test.events))); diff != "" {
			t.Errorf("%s %s %v (-want +got)\n%s", test.method, test.path, test.header, diff)
		}
	}
}

// TestLockEvents: a lock on a free name uploads an empty file; on a file it is
// no upload.
func TestLockEvents(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "12345")
	r.want(200, "LOCK", "/f", exclusive)
	r.want(201, "LOCK", "/new", exclusive)
	if diff := cmp.Diff([]string{"upload.done /new 1 0"}, r.events()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// raw opens a connection and sends the head of a request.
func (r *rig) raw(t *testing.T, method, path string, length int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	req, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", password)
	_, err = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n",
		method, path, req.Header.Get("Authorization"), length)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCutPut: a body that breaks off is a failed upload and leaves the old file,
// complete body or none.
func TestCutPut(t *testing.T) {
	for mode, want := range []struct{ left, event string }{
		{"par", "upload.failed /f 0 3"}, {"old", "upload.failed /f 0 0"}, {"par", "upload.failed /f 0 3"},
	} {
		r := newRig(t, session.Config{UploadMode: mode})
		r.write("f", "old")
		c := r.raw(t, "PUT", "/f", 100)
		if _, err := io.WriteString(c, "par"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // so that it has been written
		_ = c.Close()
		events := r.waitEvents(1)
		if got := r.content("f"); got != want.left {
			t.Errorf("upload mode %d: file is %q, want %q", mode, got, want.left)
		}
		if diff := cmp.Diff([]string{want.event}, events); diff != "" {
			t.Errorf("upload mode %d (-want +got)\n%s", mode, diff)
		}
		if left, _ := filepath.Glob(filepath.Join(r.home, vfs.StagingPrefix+"*")); len(left) > 0 {
			t.Errorf("upload mode %d left %v", mode, left)
		}
	}
}

// TestHalfClosed: a client that has sent all and closed its side still gets its
// file stored.
func TestHalfClosed(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	c := r.raw(t, "PUT", "/f", 4)
	if _, err := io.WriteString(c, "body"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"upload.done /f 1 4"}, r.waitEvents(1)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestCutGet: a client that leaves makes a failed download.
func TestCutGet(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("big", strings.Repeat("x", 64<<20))
	c := r.raw(t, "GET", "/big", 0)
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	events := r.waitEvents(1)
	if len(events) != 1 || !strings.HasPrefix(events[0], "download.done /big 0 ") {
		t.Errorf("events %v", events)
	}
}

// TestCopyTree copies what is in a collection, links to files as files.
func TestCopyTree(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("src/a", "1")
	r.write("src/sub dir/ü", "2")
	r.write("dst/old", "3")
	r.want(204, "COPY", "/src", "", "Destination: @/dst")
	for name, want := range map[string]string{"dst/a": "1", "dst/sub dir/ü": "2", "dst/old": "-", "src/a": "1"} {
		if got := r.content(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	r.want(201, "COPY", "/src", "", "Destination: @/shallow", "Depth: 0")
	if got := r.content("shallow/a"); got != "-" {
		t.Errorf("depth 0 copied a member: %q", got)
	}
}

// TestCopyMembersFail: members that cannot be copied are named in a 207.
func TestCopyMembersFail(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, denyExtension)
	r.write("src/ok.txt", "1")
	r.write("src/no.exe", "2")
	got := r.want(207, "COPY", "/src", "", "Destination: @/dst")
	if !strings.Contains(got.body, "/src/no.exe") || !strings.Contains(got.body, " 403 ") || strings.Contains(got.body, "ok.txt") {
		t.Errorf("body %s", got.body)
	}
	if r.content("dst/ok.txt") != "1" {
		t.Error("the other member was not copied")
	}
}
