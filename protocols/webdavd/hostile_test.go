package webdavd_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// basic is the login of alice.
var basic = "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+password))

// dial opens a connection to the server and sends text.
func (r *rig) dial(text string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// ended reports whether the server closes c within 5 seconds.
func ended(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err := io.Copy(io.Discard, c)
	ne, timeout := err.(net.Error)
	return err == nil || !timeout || !ne.Timeout()
}

// TestBodyThatNeverComes: net/http reads small bodies to their end before it
// answers. A peer without a login that announces one and sends nothing must not
// hold its connection for ever; nor one whose request was refused.
func TestBodyThatNeverComes(t *testing.T) {
	r := newRig(t, session.Config{})
	r.server.SetAnswerTime(200 * time.Millisecond)
	for name, text := range map[string]string{
		"no login":    "PUT /f HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nab",
		"chunked":     "PUT /f HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"wrong login": "PUT /f HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YTpi\r\nContent-Length: 1000\r\n\r\nab",
		"refused":     "MKCOL /d HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\nContent-Length: 1000\r\n\r\nab",
	} {
		if !ended(r.dial(text)) {
			t.Errorf("%s: the connection is held open", name)
		}
	}
	// A body that takes its time belongs to whoever has logged in.
	c := r.dial("PUT /slow HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\nContent-Length: 2\r\n\r\na")
	time.Sleep(600 * time.Millisecond)
	if _, err := io.WriteString(c, "b"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 201 {
		t.Fatalf("slow upload: %v, %v", resp, err)
	}
}

// TestAnswersThatNobodyReads: pipelined requests without a login fill the
// connection with refusals.
func TestAnswersThatNobodyReads(t *testing.T) {
	r := newRig(t, session.Config{})
	r.server.SetAnswerTime(200 * time.Millisecond)
	c := r.dial("")
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	line := strings.Repeat("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 100)
	for {
		if _, err := io.WriteString(c, line); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Error("the connection is held open")
			}
			return
		}
	}
}

// TestConnectionsWithoutLogin: those that wait longest go, so that many of them
// keep nobody out, while a client that has logged in keeps its connection.
func TestConnectionsWithoutLogin(t *testing.T) {
	r := newRig(t, session.Config{})
	c := r.dial("")
	logged := bufio.NewReader(c)
	get := func() {
		t.Helper()
		fmt.Fprint(c, "OPTIONS / HTTP/1.1\r\nHost: h\r\nAuthorization: "+basic+"\r\n\r\n")
		resp, err := http.ReadResponse(logged, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	get()
	first := r.dial("")
	for range 300 {
		r.dial("GET / HTTP/1.1\r\n")
	}
	if !ended(first) {
		t.Error("the oldest of 300 connections without a login is still there")
	}
	get()
	r.want(200, "OPTIONS", "/", "")
}

// TestReaderCannotLock: a lock keeps others from writing, so whoever may not
// write gets none.
func TestReaderCannotLock(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	reader := func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"list", "download"}, "/in": {"list", "upload"}, "/in/old": {"list"}}
	}
	r.addUser("bob", r.home, reader)
	for _, name := range []string{"f", "in/g", "in/old/h", "d/i"} {
		r.write(name, "1")
	}
	for _, test := range []struct {
		status int
		path   string
		depth  string
	}{
		{403, "/", "infinity"},
		{403, "/", "0"},
		{403, "/f", "0"},
		{403, "/d", "infinity"},
		{403, "/new", "0"},
		{403, "/in", "infinity"}, // /in/old is below
		{403, "/in/old", "0"},
		{403, "/in/old/h", "0"},
		{201, "/in/new", "0"},
		{200, "/in/g", "infinity"},
		{200, "/in", "0"},
	} {
		r.want(test.status, "LOCK", test.path, exclusive, "Depth: "+test.depth, "Login: bob")
	}
	r.want(204, "PUT", "/f", "2")
	r.want(204, "PUT", "/d/i", "2")
	r.want(423, "PUT", "/in/g", "2")
}

// TestSharedLocksAreFew: all that cover a name are shown with it, to everybody.
func TestSharedLocksAreFew(t *testing.T) {
	r := newRig(t, session.Config{})
	granted := 0
	for range 100 {
		if got := r.call("LOCK", "/", shared); got.status == 200 {
			granted++
		} else if got.status != 507 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if granted == 0 || granted > 32 {
		t.Errorf("%d shared locks on one collection", granted)
	}
}

// Many names with a shared lock each are not many locks on one name.
func TestSharedLocksOfMembers(t *testing.T) {
	r := newRig(t, session.Config{})
	for i := range 40 {
		name := fmt.Sprint("/d/", i)
		r.write(name, "")
		r.want(200, "LOCK", name, shared)
	}
	for range 15 {
		r.want(200, "LOCK", "/d", shared)
	}
	r.want(507, "LOCK", "/d", shared)
	r.want(200, "LOCK", "/d", shared, "Depth: 0")
	r.want(507, "LOCK", "/d/0", shared)
}

// TestOwnerThatBreaksXML: the text about an owner is shown to others, whose
// parsers must take it.
func TestOwnerThatBreaksXML(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "1")
	for _, owner := range []string{`<:a/>`, `<a b="1" b="2"/>`, `<a xml:lang="a" xml:lang="b"/>`, `<a :b="1"/>`} {
		body := strings.Replace(exclusive, "</D:lockinfo>", "<D:owner>"+owner+"</D:owner></D:lockinfo>", 1)
		if !strings.Contains(body, owner) {
			t.Fatal(body)
		}
		r.want(400, "LOCK", "/f", body)
	}
}

// TestManyPrefixes: the time that a body takes grows with its length and not
// with its square.
func TestManyPrefixes(t *testing.T) {
	r := newRig(t, session.Config{})
	var b strings.Builder
	b.WriteString("<a")
	for i := range 40_000 {
		fmt.Fprintf(&b, ` xmlns:p%d="x"`, i)
	}
	for i := range 20_000 {
		fmt.Fprintf(&b, ` p%d:b=""`, 39_999-i)
	}
	b.WriteString("/>")
	start := time.Now()
	r.want(400, "PROPFIND", "/", b.String())
	// It takes a tenth of a second, with the race detector one; the bound is wide for
	// machines that have other work.
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("%d bytes of XML took %v", b.Len(), d)
	}
}

// TestRefusedReplacementKeepsTheOld: a collection that is in the way goes only if
// what replaces it may come.
func TestRefusedReplacementKeepsTheOld(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/":       {"list", "download", "upload", "delete"},
			"/ro":     {"list"},
			"/closed": {"list", "delete"},
		}
		u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.exe"}}}
	})
	r.write("ro/d/f", "ro")
	r.write("ro/f", "ro")
	r.write("src/f", "src")
	r.write("f", "f")
	r.write("x.exe/keep", "old")
	r.write("d/keep", "old")
	r.write("closed/keep", "old")
	for _, test := range []struct{ method, src, dst string }{
		{"MOVE", "/ro/d", "/d"},
		{"MOVE", "/ro/f", "/d"},
		{"COPY", "/ro/f", "/d"},
		{"COPY", "/src", "/d"}, // no create_dirs
		{"MOVE", "/src", "/d"},
		{"COPY", "/f", "/x.exe"},
		{"MOVE", "/f", "/x.exe"},
	} {
		r.want(403, test.method, test.src, "", "Destination: @"+test.dst)
		if r.content("d/keep") != "old" || r.content("x.exe/keep") != "old" {
			t.Fatalf("%s %s to %s was refused, and the old collection is gone", test.method, test.src, test.dst)
		}
	}
	r.want(204, "COPY", "/f", "", "Destination: @/d")
}

// TestBelowFile: clients take 404 for an answer where nothing is, and no other.
func TestBelowFile(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "1")
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "DELETE"} {
		r.want(404, method, "/f/x", "", "Depth: infinity")
	}
	r.want(404, "PROPPATCH", "/f/x", setProperty)
	r.want(404, "COPY", "/nothing/x", "", "Destination: @/g")
	r.want(409, "PUT", "/f/x", "1")
	r.want(409, "MKCOL", "/f/x", "")
	r.want(409, "LOCK", "/f/x", exclusive)
	r.want(409, "COPY", "/f", "", "Destination: @/f/x/y")
}

// TestPasswordInURI: the target of a request may hold a password, the log does not.
func TestPasswordInURI(t *testing.T) {
	r := newRig(t, session.Config{})
	c := r.dial("GET http://alice:s3cret@h/f?x=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if !ended(c) {
		t.Error("no end")
	}
	if log := r.log.String(); strings.Contains(log, "s3cret") || !strings.Contains(log, "@h/f?x=1") {
		t.Error(log)
	}
}
