package tus_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
)

// TestHostileRequests: what no client sends ends its own request at most.
func TestHostileRequests(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	for _, lines := range [][]string{
		{"Upload-Offset: 0\r\nUpload-Offset: 0", "Content-Length: 3"},
		{"Upload-Offset: 0", "Content-Length: 3\r\nContent-Length: 4"},
		{"Upload-Offset: 0", "Content-Length: -3"},
		{"Upload-Offset: 0", "Content-Length: 99999999999999999999"},
		{"Upload-Offset: 0", "Transfer-Encoding: gzip, chunked"},
		{"Upload-Offset: 0x0", "Content-Length: 3"},
		{"Upload-Offset: 0", "Content-Length: 3", "Upload-Length: 18446744073709551615"},
		{"Upload-Offset: 0", "Content-Length: 3", "X-HTTP-Method-Override: " + strings.Repeat("A", 20000)},
		{"Upload-Offset: 0", "Content-Length: 3", "X: " + strings.Repeat("A", 80000)},
		{"Upload-Offset: 0", "Content-Length: 3", "Upload-Checksum: " + strings.Repeat("sha1 ", 5000)},
	} {
		c, answer := r.raw("PATCH", url, lines...)
		_, _ = io.WriteString(c, "abc")
		if got := status(answer); got < 400 || got > 501 {
			t.Errorf("%.60q: status %d", lines, got)
		}
		c.Close()
	}
	for _, path := range []string{"/files/%2e%2e", "/files/..%2f..%2fetc", "/files/%00", "/files/" + strings.Repeat("a", 5000), "/files//x//y", "/files/.info"} {
		for _, method := range []string{"HEAD", "GET", "DELETE", "PATCH"} {
			if got := r.call(method, path, "", "Upload-Offset: 0"); got.status != 404 {
				t.Errorf("%s %.40s: status %d", method, path, got.status)
			}
		}
	}
	if n := r.offset(url); n != 0 {
		t.Errorf("offset %d", n)
	}
	r.patch(url, 0, "0123456789")
}

// TestManyParts: a list of parts has an end.
func TestManyParts(t *testing.T) {
	r := newRig(t)
	p := r.part("x")
	path := strings.TrimPrefix(p, r.url)
	got := r.call("POST", "/files", "-", "Upload-Concat: final;"+strings.Repeat(path+" ", 1000), metadata("filename", "f"))
	if got.status != 201 || len(r.content("f")) != 1000 {
		t.Errorf("status %d", got.status)
	}
	if got := r.call("POST", "/files", "-", "Upload-Concat: final;"+strings.Repeat("a ", 20000)); got.status != 400 {
		t.Errorf("status %d", got.status)
	}
}

// TestSilentStranger: who does not log in does not keep a connection.
func TestSilentStranger(t *testing.T) {
	r := newRig(t)
	c, answer := r.raw("PATCH", "/files/x", "Content-Length: 1000000", "Upload-Offset: 0", "Authorization: none")
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != http.StatusBadRequest && got != http.StatusUnauthorized && got != http.StatusNotFound {
		t.Errorf("status %d", got)
	}
}

func TestParseMetadata(t *testing.T) {
	for raw, want := range map[string]map[string]string{
		"":                      {},
		"a":                     {"a": ""},
		"a ":                    {"a": ""},
		"a YQ==":                {"a": "a"},
		"a YQ==,b":              {"a": "a", "b": ""},
		"filename ZsO8,x eA==":  {"filename": "fü", "x": "x"},
		"a YQ== , b Yg==":       {"a": "a", "b": "b"},
		"relativePath YS9iL2M=": {"relativePath": "a/b/c"},
	} {
		got, err := session.ParseMetadata(raw)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", raw, err, diff)
		}
	}
}

// FuzzParseMetadata: what passes is text by keys that can be written again.
func FuzzParseMetadata(f *testing.F) {
	for _, raw := range []string{"", "a", "a YQ==", "a YQ==,b", ",", "a  b", "a YQ==,a YQ==", "\xff"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		fields, err := session.ParseMetadata(raw)
		if err != nil {
			return
		}
		for key, value := range fields {
			if key == "" || strings.ContainsAny(key, " ,") || !utf8.ValidString(value) {
				t.Fatalf("%q: %q", key, value)
			}
		}
	})
}
