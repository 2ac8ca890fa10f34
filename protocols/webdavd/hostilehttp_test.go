package webdavd_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// answered sends text and returns the status of the answer, 0 if there is none.
func (r *rig) answered(text string) int {
	r.t.Helper()
	c := r.dial("")
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, text) // the server may have had enough of it
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	_ = c.Close()
	<-sent
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// TestHeaderFlood: headers have a limit, however they are cut, with a login and
// without.
func TestHeaderFlood(t *testing.T) {
	r := newRig(t, session.Config{})
	start := "PROPFIND / HTTP/1.1\r\nHost: h\r\nDepth: 0\r\nAuthorization: " + basic + "\r\n"
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"one long":          {start + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		"a million":         {start + many(1_000_000, "X-%d: y\r\n") + "\r\n", 431},
		"the same again":    {start + many(100_000, "If: (<urn:x:%d>)\r\n") + "\r\n", 431},
		"a long target":     {"GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
		"within the limit":  {start + many(2000, "X-%d: y\r\n") + "\r\n", 207},
		"a line without :":  {start + "nonsense\r\n\r\n", 400},
		"two lengths":       {start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		"length and chunks": {start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 207}, // chunks win, RFC 9112 section 6.3
		"unknown encoding":  {start + "Transfer-Encoding: gzip\r\n\r\n", 501},
		"no host":           {"GET / HTTP/1.1\r\nAuthorization: " + basic + "\r\n\r\n", 400},
		"HTTP/2 preface":    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 401}, // a request like any other
	} {
		if got := r.answered(tt.text); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	r.want(207, "PROPFIND", "/", "", "Depth: 0")
}

// endless is XML that does not end.
type endless struct {
	sent  atomic.Int64 // the transport may still read when the answer is there
	limit int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.sent.Load() >= e.limit {
		return 0, io.EOF
	}
	n := 0
	if e.sent.Load() == 0 {
		n = copy(p, `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop>`)
	}
	for ; n+8 <= len(p); n += 8 {
		copy(p[n:], "<D:aaa/>")
	}
	e.sent.Add(int64(n))
	return n, nil
}

// TestHugeXML: 100 MB for a request that needs a few hundred bytes are refused
// without being read, by all methods that take XML, and memory stays flat.
func TestHugeXML(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "1")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, method := range []string{"PROPFIND", "PROPPATCH", "LOCK"} {
		for name, size := range map[string]int64{"announced": 100 << 20, "chunked": -1} {
			body := &endless{limit: 100 << 20}
			req, err := http.NewRequest(method, r.url+"/f", body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = size
			req.Header.Set("Depth", "0")
			req.SetBasicAuth("alice", password)
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				// The answer may be lost when the server closes on what is still coming.
				if body.sent.Load() > 20<<20 {
					t.Errorf("%s %s: %d bytes were taken: %v", method, name, body.sent.Load(), err)
				}
				continue
			}
			_ = resp.Body.Close()
			if resp.StatusCode != 413 || body.sent.Load() > 20<<20 {
				t.Errorf("%s %s: %d after %d bytes", method, name, resp.StatusCode, body.sent.Load())
			}
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 128<<20 {
		t.Errorf("%d MiB allocated", grown>>20)
	}
	r.want(207, "PROPFIND", "/f", "", "Depth: 0")
}

// TestOneRecordOfLogin: a password is looked at with each request and noted once.
// What changes about the account counts at once.
func TestOneRecordOfLogin(t *testing.T) {
	r := newRig(t, session.Config{})
	for range 20 {
		r.want(200, "OPTIONS", "/", "")
	}
	if n := strings.Count(r.log.String(), `"sender":"login"`); n != 1 {
		t.Errorf("%d records of 20 requests", n)
	}
	r.changeUser(func(u *dataprovider.User) { u.Password = "another" })
	r.want(401, "OPTIONS", "/", "")
	r.changeUser(func(u *dataprovider.User) { u.Password = password })
	r.want(200, "OPTIONS", "/", "")
	r.changeUser(func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{dataprovider.ProtocolDAV} })
	r.want(401, "OPTIONS", "/", "")
	r.changeUser(func(u *dataprovider.User) { u.Filters.DeniedProtocols, u.Status = nil, 0 })
	r.want(401, "OPTIONS", "/", "")
	r.changeUser(func(u *dataprovider.User) { u.Status = 1 })
	r.want(200, "OPTIONS", "/", "")
	if err := r.store.Users().Delete(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	r.want(401, "OPTIONS", "/", "")
	r.addUser("alice", r.home)
	r.want(200, "OPTIONS", "/", "")
}

// TestSlowXML: who has logged in may take time over a file, but not over a query.
func TestSlowXML(t *testing.T) {
	r := newRig(t, session.Config{})
	r.server.SetAnswerTime(300 * time.Millisecond)
	for _, method := range []string{"PROPFIND", "PROPPATCH", "LOCK"} {
		c := r.dial(method + " / HTTP/1.1\r\nHost: h\r\nDepth: 0\r\nAuthorization: " + basic + "\r\nContent-Length: 1000\r\n\r\n<a")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != 408 {
			t.Errorf("%s: %v, %v", method, resp, err)
			continue
		}
		if !ended(c) {
			t.Errorf("%s: the connection is held open", method)
		}
	}
}
