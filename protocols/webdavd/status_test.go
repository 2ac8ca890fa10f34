package webdavd_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// TestStatus walks one tree through all methods; a step depends on those before.
func TestStatus(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	steps := []struct {
		status       int
		method, path string
		body         string
		header       []string
	}{
		{401, "OPTIONS", "/", "", []string{"Login: -"}},
		{401, "GET", "/", "", []string{"Login: mallory"}},
		{200, "OPTIONS", "/", "", nil},
		{405, "PATCH", "/", "", nil},
		{405, "TRACE", "/", "", nil},

		{201, "MKCOL", "/d", "", nil},
		{405, "MKCOL", "/d", "", nil},
		{405, "MKCOL", "/d/", "", nil},
		{409, "MKCOL", "/no/d", "", nil},
		{415, "MKCOL", "/e", "<x/>", nil},

		{201, "PUT", "/d/a.txt", "one", nil},
		{204, "PUT", "/d/a.txt", "two", nil},
		{409, "PUT", "/no/a.txt", "one", nil},
		{409, "PUT", "/d", "one", nil},
		{409, "PUT", "/d/a.txt/b", "one", nil},
		{400, "PUT", "/d/a.txt", "x", []string{"Content-Range: bytes 0-0/3"}},
		{412, "PUT", "/d/a.txt", "x", []string{"If-None-Match: *"}},
		{412, "PUT", "/d/a.txt", "x", []string{`If-Match: "nonsense"`}},
		{412, "PUT", "/d/new.txt", "x", []string{"If-Match: *"}},
		{201, "PUT", "/d/new.txt", "x", []string{"If-None-Match: *"}},
		{400, "PUT", "/d/../../x", "x", nil},
		{400, "PUT", "/d/%00", "x", nil},
		{400, "PUT", "/%ff", "x", nil},
		{400, "PUT", "/" + strings.Repeat("n", 256), "x", nil},
		{400, "PUT", "/.sftpgo-upload.x.y", "x", nil},
		{400, "PUT", "/d/a.txt", "x", []string{"If: nonsense"}},
		{412, "PUT", "/d/a.txt", "x", []string{"If: (<urn:uuid:none>)"}},

		{200, "GET", "/d/a.txt", "", nil},
		{200, "HEAD", "/d/a.txt", "", nil},
		{200, "POST", "/d/a.txt", "", nil},
		{404, "GET", "/d/no.txt", "", nil},
		{404, "HEAD", "/d/no.txt", "", nil},
		{207, "GET", "/d", "", nil},
		{207, "HEAD", "/d", "", nil},
		{405, "POST", "/d", "", nil},
		{206, "GET", "/d/a.txt", "", []string{"Range: bytes=1-1"}},
		{416, "GET", "/d/a.txt", "", []string{"Range: bytes=9-"}},
		{412, "GET", "/d/a.txt", "", []string{`If-Match: "nonsense"`}},

		{207, "PROPFIND", "/d", "", []string{"Depth: 0"}},
		{207, "PROPFIND", "/d", "", []string{"Depth: 1"}},
		{403, "PROPFIND", "/d", "", []string{"Depth: infinity"}},
		{403, "PROPFIND", "/d", "", nil},
		{207, "PROPFIND", "/d/a.txt", "", nil},
		{400, "PROPFIND", "/d", "", []string{"Depth: 2"}},
		{400, "PROPFIND", "/d", "<nonsense", []string{"Depth: 0"}},
		{404, "PROPFIND", "/no", "", []string{"Depth: 0"}},
		{413, "PROPFIND", "/d", strings.Repeat(" ", 1<<20+1), []string{"Depth: 0"}},
		{207, "PROPPATCH", "/d/a.txt", setProperty, nil},
		{404, "PROPPATCH", "/d/no.txt", setProperty, nil},
		{400, "PROPPATCH", "/d/a.txt", "<a>", nil},

		{400, "COPY", "/d/a.txt", "", nil},
		{400, "COPY", "/d/a.txt", "", []string{"Destination: nonsense"}},
		{400, "COPY", "/d/a.txt", "", []string{"Destination: @/d/b.txt", "Overwrite: maybe"}},
		{400, "COPY", "/d/a.txt", "", []string{"Destination: @/../b.txt"}},
		{403, "COPY", "/d/a.txt", "", []string{"Destination: @/d/a.txt"}},
		{404, "COPY", "/d/no.txt", "", []string{"Destination: @/d/b.txt"}},
		{409, "COPY", "/d/a.txt", "", []string{"Destination: @/no/b.txt"}},
		{201, "COPY", "/d/a.txt", "", []string{"Destination: @/d/b.txt"}},
		{204, "COPY", "/d/a.txt", "", []string{"Destination: @/d/b.txt"}},
		{412, "COPY", "/d/a.txt", "", []string{"Destination: @/d/b.txt", "Overwrite: F"}},
		{201, "COPY", "/d/a.txt", "", []string{"Destination: http://elsewhere.example/d/c.txt"}},
		{400, "COPY", "/d", "", []string{"Destination: @/e", "Depth: 1"}},
		{403, "COPY", "/d", "", []string{"Destination: @/d/e"}},
		{201, "COPY", "/d", "", []string{"Destination: @/e"}},
		{204, "COPY", "/d", "", []string{"Destination: @/e", "Depth: 0"}},
		{204, "COPY", "/d/a.txt", "", []string{"Destination: @/e"}},

		{400, "MOVE", "/d", "", []string{"Destination: @/f", "Depth: 0"}},
		{403, "MOVE", "/d", "", []string{"Destination: @/d/f"}},
		{403, "MOVE", "/d/a.txt", "", []string{"Destination: @/d"}},
		{404, "MOVE", "/no", "", []string{"Destination: @/f"}},
		{409, "MOVE", "/d/b.txt", "", []string{"Destination: @/no/b.txt"}},
		{412, "MOVE", "/d/b.txt", "", []string{"Destination: @/d/a.txt", "Overwrite: F"}},
		{204, "MOVE", "/d/b.txt", "", []string{"Destination: @/d/a.txt"}},
		{201, "MOVE", "/d/c.txt", "", []string{"Destination: /d/path%20only.txt"}},
		{201, "MOVE", "/d", "", []string{"Destination: @/f"}},
		{204, "MOVE", "/f", "", []string{"Destination: @/e"}},

		{400, "DELETE", "/e", "", []string{"Depth: 0"}},
		{412, "DELETE", "/e/a.txt", "", []string{`If-Match: "nonsense"`}},
		{204, "DELETE", "/e/a.txt", "", nil},
		{404, "DELETE", "/e/a.txt", "", nil},
		{204, "DELETE", "/e/", "", nil},
		{403, "DELETE", "/", "", nil},

		{400, "LOCK", "/l", "", nil},
		{400, "LOCK", "/l", exclusive, []string{"Depth: 1"}},
		{400, "LOCK", "/l", "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope></D:lockinfo>", nil},
		{409, "LOCK", "/no/l", exclusive, nil},
		{201, "LOCK", "/l", exclusive, nil},
		{423, "LOCK", "/l", exclusive, nil},
		{423, "PUT", "/l", "x", nil},
		{412, "LOCK", "/l", "", []string{"If: (<urn:uuid:none>)"}},
		{400, "UNLOCK", "/l", "", nil},
		{409, "UNLOCK", "/l", "", []string{"Lock-Token: <urn:uuid:none>"}},
	}
	for _, s := range steps {
		got := r.want(s.status, s.method, s.path, s.body, s.header...)
		if strings.Contains(got.body, r.home) {
			t.Errorf("%s %s tells where the storage is: %s", s.method, s.path, got.body)
		}
	}
}

func TestOptions(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	for path, method := range map[string]string{"/": "PROPFIND", "/f": "PUT", "/new": "MKCOL"} {
		got := r.want(200, "OPTIONS", path, "")
		if got.header.Get("DAV") != "1, 2" || got.header.Get("MS-Author-Via") != "DAV" ||
			!strings.Contains(got.header.Get("Allow"), method) {
			t.Errorf("OPTIONS %s: %v", path, got.header)
		}
	}
}

// TestUnauthorized: the answer is the same whatever was wrong.
func TestUnauthorized(t *testing.T) {
	r := newRig(t, session.Config{})
	r.addUser("bob", r.home, func(u *dataprovider.User) { u.Status = 0 })
	r.addUser("carl", r.home, func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{dataprovider.ProtocolDAV} })
	var first string
	for _, user := range []string{"-", "nobody", "bob", "carl", ""} {
		got := r.want(401, "PROPFIND", "/", "", "Login: "+user)
		got.header.Del("Date")
		answer := fmt.Sprint(got.header, got.body)
		if first == "" {
			first = answer
		}
		if answer != first {
			t.Errorf("user %q: %s\nwant %s", user, answer, first)
		}
		if got.header.Get("WWW-Authenticate") != `Basic realm="SFTPGo WebDAV", charset="UTF-8"` {
			t.Errorf("challenge: %q", got.header.Get("WWW-Authenticate"))
		}
	}
	if n := strings.Count(r.log.String(), `"sender":"connection_failed"`); n != 4 {
		t.Errorf("%d failed logins in the log, want 4 (a request without credentials is none)", n)
	}
}

// TestPermissions: each method answers 403 to a user who may not.
func TestPermissions(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/": {dataprovider.PermList}, "/drop": {dataprovider.PermUpload}, "/read": {dataprovider.PermDownload},
		}
	})
	r.write("f", "x")
	r.write("drop/old", "x")
	r.write("read/f", "content")
	r.want(403, "GET", "/f", "")
	r.want(403, "PUT", "/f", "y")
	r.want(403, "PUT", "/new", "y")
	r.want(403, "MKCOL", "/d", "")
	r.want(403, "DELETE", "/f", "")
	r.want(403, "COPY", "/f", "", "Destination: @/g")
	r.want(403, "MOVE", "/f", "", "Destination: @/g")
	r.want(403, "LOCK", "/new", exclusive)
	r.want(403, "PROPFIND", "/drop", "", "Depth: 1")
	r.want(201, "PUT", "/drop/new", "y") // without list a drop box still works
	r.want(403, "PUT", "/drop/old", "y")
	r.want(403, "HEAD", "/read/f", "")
	if got := r.want(200, "GET", "/read/f", ""); got.body != "content" {
		t.Errorf("body %q", got.body)
	}
	if got := r.content("f") + r.content("drop/old"); got != "xx" {
		t.Errorf("files were changed: %q", got)
	}
}

func TestQuota(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) { u.QuotaSize = 10 })
	r.want(201, "PUT", "/a", "123456")
	r.want(507, "PUT", "/a", "123456789012345")
	if got := r.content("a"); got != "123456" {
		t.Errorf("old file = %q", got)
	}
	r.want(507, "COPY", "/a", "", "Destination: @/b")
	r.want(507, "PUT", "/c", "12345")
	got := r.want(207, "PROPFIND", "/", ask("quota-used-bytes", "quota-available-bytes"), "Depth: 0")
	for _, want := range []string{"<D:quota-used-bytes>6<", "<D:quota-available-bytes>4<"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s in %s", want, got.body)
		}
	}
}

// TestEscape: nothing reaches beyond the home, through links either.
func TestEscape(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	outside := filepath.Join(filepath.Dir(r.home), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"abs": outside, "rel": "../secret", "up": ".."} {
		if err := os.Symlink(text, filepath.Join(r.home, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/../secret", "/%2e%2e/secret", "/..%2fsecret", "/abs", "/rel", "/up/secret"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PROPFIND", "COPY"} {
			if path == "/abs" && method == "DELETE" || path == "/rel" && method == "DELETE" {
				continue // removes the link
			}
			got := r.call(method, path, "", "Depth: 0", "Destination: @/copy")
			if got.status < 400 || strings.Contains(got.body, "secret\n") {
				t.Errorf("%s %s = %d %q", method, path, got.status, got.body)
			}
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Errorf("outside: %q, %v", b, err)
	}
	got := r.want(207, "PROPFIND", "/", "", "Depth: 1")
	if n := strings.Count(got.body, "<D:response>"); n != 1 {
		t.Errorf("links to the outside are listed: %s", got.body)
	}
}

// TestHeaderLimit: headers beyond 64 KiB are refused.
func TestHeaderLimit(t *testing.T) {
	r := newRig(t, session.Config{})
	if got := r.call("OPTIONS", "/", "", "X-Big: "+strings.Repeat("x", 80<<10)); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", got.status)
	}
}

// TestPanic: a request that panics is answered with 500, and others go on.
func TestPanic(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	r.hooks.panic = true
	if got := r.want(500, "DELETE", "/f", ""); strings.Contains(got.body, "broken hook") || !strings.Contains(got.body, "DAV_") {
		t.Errorf("body %q", got.body)
	}
	if !strings.Contains(r.log.String(), "broken hook") {
		t.Error("the panic is not in the log")
	}
	r.want(200, "GET", "/f", "")
}

// TestExpectContinue: a refused upload never asks for its body.
func TestExpectContinue(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermList}}
	})
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("PUT", r.url+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", password)
	fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
		req.Header.Get("Authorization"))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, " 403 ") {
		t.Errorf("answer %q, %v", line, err)
	}
}

// TestRequestRecord holds the keys of the log record and their order.
func TestRequestRecord(t *testing.T) {
	r := newRig(t, session.Config{})
	r.want(404, "GET", "/no%20file", "", "User-Agent: tester")
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, `"sender":"webdavd"`) {
			continue
		}
		at := -1
		for _, key := range []string{
			`"sender":"webdavd"`, `"elapsed_ms":`, `"method":"GET"`, `"proto":"HTTP/1.1"`, `"remote_addr":"127.0.0.1:`,
			`"request_id":"DAV_`, `"uri":"/no%20file"`, `"user_agent":"tester"`, `"error":"`,
		} {
			i := strings.Index(line, key)
			if i < at || i < 0 {
				t.Errorf("%s is missing or out of order in %s", key, line)
			}
			at = i
		}
		return
	}
	t.Errorf("no record in %s", r.log.String())
}
