package webdavd_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// statuses sends text, whatever it is, and returns the status of each answer until
// the server closes, or says nothing more. It fails the test when an answer holds
// what lies outside.
func (r *rig) statuses(text string) []int {
	r.t.Helper()
	c := r.dial("")
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, text) // the server may have had enough of it
	}()
	defer func() {
		_ = c.Close()
		<-sent
	}()
	var all []int
	for in := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		b, err := io.ReadAll(resp.Body)
		if strings.Contains(string(b), "s3cret") {
			r.t.Errorf("%.200q brought what lies outside", text)
		}
		if all = append(all, resp.StatusCode); err != nil || resp.Close {
			return all
		}
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	}
}

// hostileRig is a rig with a file that must stay, and another home and a file
// beside its own.
func hostileRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, session.Config{UploadMode: 1})
	r.addUser("bob", filepath.Join(filepath.Dir(r.home), "bob"))
	r.write("keep", "keep")
	r.write("d/keep", "keep")
	r.write("../bob/f", "s3cret")
	r.write("../outside", "s3cret")
	return r
}

// untouched checks that nothing has changed that was there, and that nothing new
// is beside the home.
func (r *rig) untouched(what string) {
	r.t.Helper()
	for name, want := range map[string]string{"keep": "keep", "d/keep": "keep", "../bob/f": "s3cret", "../outside": "s3cret"} {
		if got := r.content(name); got != want {
			r.t.Fatalf("%.100q: %s is %q", what, name, got)
		}
	}
	for _, dir := range []string{"..", "../bob"} {
		entries, err := os.ReadDir(filepath.Join(r.home, dir))
		if err != nil || len(entries) != map[string]int{"..": 3, "../bob": 1}[dir] {
			r.t.Fatalf("%.100q: %s holds %v, %v", what, dir, entries, err)
		}
	}
}

// TestHostileTargets: whatever a request names, it is in the home of the user, or
// there is an error.
func TestHostileTargets(t *testing.T) {
	r := hostileRig(t)
	for _, target := range []string{
		"/../outside", "/d/../../outside", "/%2e%2e/outside", "/%2E./outside", "/.%2e/outside", "/..%2foutside", "/..%2Foutside", "/%2e%2e%2foutside",
		"/d/..%2f..%2foutside", "/%252e%252e/outside", "/..%5coutside", `/..\outside`, "//outside", "///../outside", "//../outside", "/./../outside",
		"/../bob/f", "/..;/outside", "/d/..;a=b/outside", "/%00", "/keep%00", "/keep%00.txt", "/%c0%ae%c0%ae/outside", "/%e0%80%ae%e0%80%ae/outside",
		"/%ff", "/%", "/%zz", "/%u002e%u002e/outside", "/keep%", "/../alice/../outside", r.home + "/../outside", filepath.Dir(r.home) + "/outside", "/etc/passwd",
		"/" + strings.Repeat("x", 300), "/" + strings.Repeat("x/", 3000), "/" + strings.Repeat("../", 3000) + "outside", "/d/" + strings.Repeat("%2e%2e/", 3000) + "outside",
		"http://elsewhere/../outside", "http://elsewhere:99999/outside", "file:///outside", "//elsewhere/../outside", "outside", "../outside", "*", "elsewhere:80", "?", "/?/../outside",
		"/#/../outside", "/.sftpgo-upload.0123.keep",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "LOCK", "UNLOCK", "CONNECT", "TRACE"} {
			body := ""
			switch method {
			case "PUT":
				body = "x"
			case "LOCK":
				body = exclusive
			case "PROPPATCH":
				body = setProperty
			}
			if method == "DELETE" && strings.Trim(target, "/?#*.") == "" {
				continue // the home itself
			}
			got := r.statuses(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nDepth: 0\r\nDestination: /copied\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
				method, target, basic, len(body), body))
			// A request to MKCOL has no business with a host; 2xx is for names that are
			// as odd as they look, in the home.
			if len(got) != 1 || got[0] >= 500 && got[0] != http.StatusNotImplemented {
				t.Errorf("%s %.100s: %v", method, target, got)
			}
			r.untouched(method + " " + target)
		}
	}
}

// TestHostileDestinations: what is copied or moved stays in the home, whatever
// host, user or scheme a Destination names.
func TestHostileDestinations(t *testing.T) {
	r := hostileRig(t)
	for i, destination := range []string{
		"/../bob/g", "/%2e%2e/bob/g", "/..%2fbob/g", "http://h/../bob/g", "http://h/%2e%2e%2fbob/g", "//bob/g", "http://bob:pw@h/g", "http://bob@h/../bob/g",
		"file:///etc/g", "file://" + filepath.Dir(r.home) + "/g", "ftp://h/g", "javascript:g", "data:g", "http://", "http:///", "http://[::1", "http://h:port/g", "", " ", "g", "../bob/g",
		"?g", "#g", "/g?../bob", "/g#../bob", "/%00", "/g%00", "/%zz", "/%ff", "/" + strings.Repeat("x", 5000), "/" + strings.Repeat("../", 5000) + "bob/g", "/" + strings.Repeat("x/", 5000),
		"http://h/a http://h/b", "http://h/a, http://h/b", "*", `\\bob\g`, `/..\bob\g`, filepath.Dir(r.home) + "/bob/g", "/keep/below", "/keep/../../bob/g",
	} {
		for _, method := range []string{"COPY", "MOVE"} {
			r.write("src", "src")
			got := r.statuses(fmt.Sprintf("%s /src HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nDestination: %s\r\nOverwrite: T\r\nConnection: close\r\n\r\n", method, basic, destination))
			if len(got) != 1 || got[0] >= 500 && got[0] != http.StatusBadGateway {
				t.Errorf("%d: %s to %.100q: %v", i, method, destination, got)
			}
			r.untouched(method + " to " + destination)
		}
	}
	// Two of them are one too many.
	r.write("src", "src")
	if got := r.statuses("MOVE /src HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\nDestination: /one\r\nDestination: /two\r\nConnection: close\r\n\r\n"); len(got) != 1 {
		t.Errorf("two destinations: %v", got)
	}
}

// TestHostileFraming: what one server of a chain takes for a body, another must not
// take for a request (RFC 9112 section 11.2).
func TestHostileFraming(t *testing.T) {
	r := hostileRig(t)
	login := "Host: h\r\nAuthorization: " + basic + "\r\n"
	inner := "DELETE /keep HTTP/1.1\r\n" + login + "\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(inner), inner)
	put := "PUT /new HTTP/1.1\r\n" + login
	for name, text := range map[string]string{
		"body of GET":             "GET /keep HTTP/1.1\r\n" + login + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"body of GET in chunks":   "GET /keep HTTP/1.1\r\n" + login + "Transfer-Encoding: chunked\r\n\r\n" + chunk,
		"body of what is refused": "MKCOL /d HTTP/1.1\r\n" + login + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"body without a login":    "PUT /new HTTP/1.1\r\nHost: h\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"body of an upload":       put + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"expected":                put + "Expect: 100-continue\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"expected, refused":       "MKCOL /d HTTP/1.1\r\nExpect: 100-continue\r\n" + login + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"unknown expectation":     put + "Expect: nonsense\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"chunks and a length":     put + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
		"two lengths":             put + "Content-Length: 0\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"a list of lengths":       put + fmt.Sprintf("Content-Length: 0, %d\r\n\r\n", len(inner)) + inner,
		"a signed length":         put + "Content-Length: +0\r\n\r\n" + inner,
		"a negative length":       put + "Content-Length: -1\r\n\r\n" + inner,
		"a hexadecimal length":    put + "Content-Length: 0x0\r\n\r\n" + inner,
		"an empty length":         put + "Content-Length: \r\n\r\n" + inner,
		"a huge length":           put + "Content-Length: 99999999999999999999\r\n\r\n" + inner,
		"space before the colon":  put + "Content-Length : 0\r\n\r\n" + inner,
		"folded":                  put + "X: y\r\n Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + chunk,
		"xchunked":                put + "Transfer-Encoding: xchunked\r\n\r\n" + chunk,
		"two encodings":           put + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
		"a list of encodings":     put + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunk,
		"encoding with a tab":     put + "Transfer-Encoding:\tchunked\r\n\r\n" + chunk,
		"encoding with a control": put + "Transfer-Encoding: \x0bchunked\r\n\r\n" + chunk,
		"HTTP/1.0 in chunks":      "PUT /new HTTP/1.0\r\n" + login + "Transfer-Encoding: chunked\r\n\r\n" + chunk,
		"huge chunk":              put + "Transfer-Encoding: chunked\r\n\r\n" + "fffffffffffffffff\r\n" + inner,
		"negative chunk":          put + "Transfer-Encoding: chunked\r\n\r\n" + "-1\r\n" + inner,
		"chunk of 0x":             put + "Transfer-Encoding: chunked\r\n\r\n" + "0x0\r\n\r\n" + inner,
		"chunk without end":       put + "Transfer-Encoding: chunked\r\n\r\n" + "1\r\nxx\r\n" + inner,
		"long extension":          put + "Transfer-Encoding: chunked\r\n\r\n" + "1;" + strings.Repeat("x", 1<<20) + "\r\nx\r\n0\r\n\r\n" + inner,
		"trailers":                put + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 100_000) + "\r\n" + inner,
		"zero byte in a header":   put + "X: a\x00b\r\n\r\n" + inner,
		"bare CR in a header":     put + "X: a\rContent-Length: 0\r\n\r\n" + inner,
		"two hosts":               "PUT /new HTTP/1.1\r\nHost: a\r\n" + login + "\r\n" + inner,
		"upgrade":                 "OPTIONS / HTTP/1.1\r\n" + login + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
		"version":                 "PUT /new HTTP/9.9\r\n" + login + "\r\n" + inner,
		"no version":              "PUT /new\r\n" + login + "\r\n" + inner,
	} {
		got := r.statuses(text)
		if slices.ContainsFunc(got[min(1, len(got)):], func(s int) bool { return s/100 == 2 && got[0]/100 != 1 }) {
			t.Errorf("%s: %v: the body was a request", name, got)
		}
		t.Logf("%s: %v", name, got)
		r.untouched(name)
	}
}

// TestFramingBehindProxy: a proxy that goes by the length must not have the end of
// a body answered as a request.
func TestFramingBehindProxy(t *testing.T) {
	r := hostileRig(t)
	b := webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For"}
	r.serve(slog.New(slog.DiscardHandler), webdavd.Config{}, b, "")
	for _, login := range []string{"Host: h\r\nAuthorization: " + basic + "\r\n", "Host: h\r\n"} {
		inner := "DELETE /keep HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\n\r\n"
		for _, method := range []string{"PUT", "GET", "OPTIONS"} {
			got := r.statuses(fmt.Sprintf("%s /new HTTP/1.1\r\n%sContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s", method, login, 5+len(inner), inner))
			if len(got) != 1 {
				t.Errorf("%s: %v", method, got)
			}
			r.untouched(method)
		}
	}
	if got := r.statuses(strings.Repeat("OPTIONS / HTTP/1.1\r\nHost: h\r\nAuthorization: "+basic+"\r\nContent-Length: 1\r\n\r\nx", 3)); len(got) != 3 {
		t.Errorf("connections of proxies end without need: %v", got)
	}
}

// TestHostileOverride: a method is what the first line says.
func TestHostileOverride(t *testing.T) {
	r := hostileRig(t)
	for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "PROPFIND"} {
		for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Original-URL: /d", "X-Rewrite-URL: /d"} {
			name, _, _ := strings.Cut(header, ":")
			got := r.call(method, "/keep?_method=DELETE", "", "Depth: 0", name+": DELETE", "Content-Type: application/x-www-form-urlencoded")
			if got.status/100 != 2 {
				t.Errorf("%s, %s: %d", method, header, got.status)
			}
			r.untouched(method + " " + header)
		}
	}
	for _, method := range []string{"get", "Delete", "DELETE\t", "PURGE", "SEARCH", "BIND", "REPORT", "ACL", "MKACTIVITY", "TRACE", "CONNECT", "DEBUG", "PATCH", "MKCALENDAR"} {
		got := r.statuses(method + " /keep HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\nConnection: close\r\n\r\n")
		if len(got) != 1 || got[0] != http.StatusMethodNotAllowed && got[0] != http.StatusBadRequest {
			t.Errorf("%q: %v", method, got)
		}
		r.untouched(method)
	}
}
