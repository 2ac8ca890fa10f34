package tus_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

// faultyRequest is what must be answered with a status, and nothing changed. $ in a
// path is an upload of 10 bytes that has 4.
type faultyRequest struct {
	name   string
	status int
	method string
	path   string
	body   string
	header []string
	want   []string // of the answer
}

// faultyRequests holds what every fault is answered with.
func faultyRequests() []faultyRequest {
	patch := func(offset string, more ...string) []string {
		return append([]string{"Upload-Offset: " + offset}, more...)
	}
	lines := func(l ...string) []string { return l }
	return []faultyRequest{
		{"no version", 412, "POST", "/files", "-", lines("Tus-Resumable: -", "Upload-Length: 1"), lines("Tus-Version: 1.0.0", "Tus-Resumable: 1.0.0")},
		{"old version", 412, "PATCH", "$", "x", patch("4", "Tus-Resumable: 0.2.2"), lines("Tus-Version: 1.0.0")},
		{"old version, HEAD", 412, "HEAD", "$", "-", lines("Tus-Resumable: 0.2.2"), nil},
		{"no version, DELETE", 412, "DELETE", "$", "-", lines("Tus-Resumable: -"), nil},
		{"no login", 401, "POST", "/files", "-", lines("Login: -", "Upload-Length: 1"), nil},
		{"no login, HEAD", 401, "HEAD", "$", "-", lines("Login: -"), nil},
		{"unknown user", 401, "PATCH", "$", "x", patch("4", "Login: mallory"), nil},

		{"no content type", 415, "PATCH", "$", "x", patch("4", "Content-Type: -"), nil},
		{"other content type", 415, "PATCH", "$", "x", patch("4", "Content-Type: text/plain"), nil},
		{"no offset", 400, "PATCH", "$", "x", nil, nil},
		{"negative offset", 400, "PATCH", "$", "x", patch("-1"), nil},
		{"signed offset", 400, "PATCH", "$", "x", patch("+4"), nil},
		{"garbage offset", 400, "PATCH", "$", "x", patch("4x"), nil},
		{"huge offset", 400, "PATCH", "$", "x", patch("99999999999999999999"), nil},
		{"offset below", 409, "PATCH", "$", "x", patch("3"), lines("Upload-Offset: 4")},
		{"offset above", 409, "PATCH", "$", "x", patch("5"), lines("Upload-Offset: 4")},
		{"unknown upload", 404, "PATCH", "/files/0123", "x", patch("0"), lines("Upload-Offset: -")},
		{"unknown upload, HEAD", 404, "HEAD", "/files/0123", "-", nil, lines("Upload-Offset: -", "Cache-Control: no-store")},
		{"unknown upload, DELETE", 404, "DELETE", "/files/0123", "-", nil, nil},
		{"unknown upload, GET", 404, "GET", "/files/0123", "-", nil, nil},
		{"deeper", 404, "HEAD", "/files/a/b", "-", nil, nil},
		{"beside", 404, "POST", "/filesx", "-", lines("Upload-Length: 1"), nil},
		{"root", 404, "GET", "/", "-", nil, nil},
		{"too much", 413, "PATCH", "$", "1234567", patch("4"), lines("Upload-Offset: 4")},
		{"other length", 400, "PATCH", "$", "x", patch("4", "Upload-Length: 11"), nil},

		{"no length", 400, "POST", "/files", "-", nil, nil},
		{"both lengths", 400, "POST", "/files", "-", lines("Upload-Length: 1", "Upload-Defer-Length: 1"), nil},
		{"deferred 2", 400, "POST", "/files", "-", lines("Upload-Defer-Length: 2"), nil},
		{"negative length", 400, "POST", "/files", "-", lines("Upload-Length: -1"), nil},
		{"garbage length", 400, "POST", "/files", "-", lines("Upload-Length: 1e3"), nil},
		{"overflowing length", 400, "POST", "/files", "-", lines("Upload-Length: 9223372036854775808"), nil},
		{"over the maximum", 413, "POST", "/files", "-", lines("Upload-Length: 1001"), lines("Tus-Max-Size: 1000")},
		{"body over length", 413, "POST", "/files", "xx", lines("Upload-Length: 1"), nil},
		{"body of another type", 415, "POST", "/files", "x", lines("Upload-Length: 1", "Content-Type: text/plain"), nil},

		{"metadata not base64", 400, "POST", "/files", "-", lines("Upload-Length: 1", "Upload-Metadata: filename %%"), nil},
		{"metadata repeated", 400, "POST", "/files", "-", lines("Upload-Length: 1", "Upload-Metadata: a YQ==,a YQ=="), nil},
		{"metadata without key", 400, "POST", "/files", "-", lines("Upload-Length: 1", "Upload-Metadata: ,a YQ=="), nil},
		{"metadata too long", 400, "POST", "/files", "-", lines("Upload-Length: 1", "Upload-Metadata: a "+strings.Repeat("QUFB", 5000)), nil},
		{"metadata not text", 400, "POST", "/files", "-", lines("Upload-Length: 1", metadata("filename", "\xff")), nil},

		{"unknown algorithm", 400, "PATCH", "$", "x", patch("4", "Upload-Checksum: sha3 YQ=="), nil},
		{"malformed checksum", 400, "PATCH", "$", "x", patch("4", "Upload-Checksum: sha1 %%"), nil},
		{"short checksum", 400, "PATCH", "$", "x", patch("4", "Upload-Checksum: sha1 YQ=="), nil},
		{"wrong checksum", 460, "PATCH", "$", "x", patch("4", "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="), lines("Upload-Offset: 4")},

		{"final of nothing", 400, "POST", "/files", "-", lines("Upload-Concat: final;"), nil},
		{"final without a list", 400, "POST", "/files", "-", lines("Upload-Concat: final"), nil},
		{"final of the unknown", 404, "POST", "/files", "-", lines("Upload-Concat: final;/files/0123"), nil},
		{"final of no part", 400, "POST", "/files", "-", lines("Upload-Concat: final;$"), nil},
		{"final of elsewhere", 404, "POST", "/files", "-", lines("Upload-Concat: final;/etc/passwd"), nil},
		{"final with a length", 400, "POST", "/files", "-", lines("Upload-Concat: final;$", "Upload-Length: 3"), nil},
		{"final with data", 403, "POST", "/files", "x", lines("Upload-Concat: final;$"), nil},
		{"neither partial nor final", 400, "POST", "/files", "-", lines("Upload-Concat: part", "Upload-Length: 3"), nil},

		{"PUT", 405, "PUT", "$", "x", nil, lines("Allow: OPTIONS, HEAD, PATCH, GET, DELETE")},
		{"GET of the collection", 405, "GET", "/files", "-", nil, lines("Allow: OPTIONS, POST")},
	}
}

// sendFaulty sends a request that is about the upload at a URL.
func (r *rig) sendFaulty(f faultyRequest, url string) reply {
	r.t.Helper()
	header := slices.Clone(f.header)
	for i, line := range header {
		header[i] = strings.ReplaceAll(line, "$", url)
	}
	return r.call(f.method, strings.ReplaceAll(f.path, "$", url), f.body, header...)
}

// TestErrors sends all of them to ours; TestTusdErrors, to tusd.
func TestErrors(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.MaxSize = 1000 })
	for _, tt := range faultyRequests() {
		t.Run(tt.name, func(t *testing.T) {
			url := r.begin(10, "target")
			r.patch(url, 0, "0123")
			got := r.sendFaulty(tt, url)
			if got.status != tt.status {
				t.Errorf("status %d, want %d: %s", got.status, tt.status, got.body)
			}
			for _, line := range tt.want {
				name, value, _ := strings.Cut(line, ": ")
				if value == "-" {
					value = ""
				}
				if h := got.header.Get(name); h != value {
					t.Errorf("%s: %q, want %q", name, h, value)
				}
			}
			if strings.Contains(got.body, r.home) || strings.Contains(got.body, "sql") {
				t.Errorf("the answer tells too much: %q", got.body)
			}
			if n := r.offset(url); n != 4 {
				t.Errorf("offset %d, nothing must have changed", n)
			}
			r.want(204, "DELETE", url, "-")
		})
	}
	if got := r.staged(); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

// TestOptions: what is offered is told to anybody.
func TestOptions(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.MaxSize = 1 << 40 })
	for _, path := range []string{"/files", "/files/", "/files/0123"} {
		h := r.want(204, "OPTIONS", path, "-", "Login: -", "Tus-Resumable: -").header
		for name, want := range map[string]string{
			"Tus-Version": "1.0.0", "Tus-Resumable": "1.0.0", "Tus-Max-Size": "1099511627776",
			"Tus-Extension":          "creation,creation-with-upload,creation-defer-length,termination,concatenation,checksum,checksum-trailer,expiration,getting",
			"Tus-Checksum-Algorithm": "sha1,md5,sha256,sha512,crc32,crc32c",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
	}
}

// TestExtensionsOff: what is off is neither told nor done.
func TestExtensionsOff(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.Extensions = []string{"creation"} })
	h := r.want(204, "OPTIONS", "/files", "-").header
	if h.Get("Tus-Extension") != "creation" || h.Get("Tus-Checksum-Algorithm") != "" {
		t.Errorf("%v", h)
	}
	url := r.begin(3, "f")
	for _, method := range []string{"DELETE", "GET"} {
		if got := r.want(405, method, url, "-"); got.header.Get("Allow") != "OPTIONS, HEAD, PATCH" {
			t.Errorf("Allow: %q", got.header.Get("Allow"))
		}
	}
	r.want(400, "POST", "/files", "-", "Upload-Defer-Length: 1")
	r.want(400, "POST", "/files", "-", "Upload-Concat: partial", "Upload-Length: 1")
	r.want(400, "PATCH", url, "abc", "Upload-Offset: 0", "Upload-Checksum: md5 kAFQmDzST7DWlj99KOF/cg==")
	r.want(415, "POST", "/files", "abc", "Upload-Length: 3")
	if got := r.want(204, "PATCH", url, "abc", "Upload-Offset: 0"); got.header.Get("Upload-Expires") != "" {
		t.Errorf("%v", got.header)
	}
}

// TestHead: everything a client needs to go on is in the answer.
func TestHead(t *testing.T) {
	r := newRig(t)
	meta := "filename YS50eHQ=,empty,note eA=="
	url := r.want(201, "POST", "/files", "-", "Upload-Length: 5", "Upload-Metadata: "+meta).header.Get("Location")
	h := r.want(200, "HEAD", url+"/", "-").header // with a slash it is the same
	for name, want := range map[string]string{
		"Upload-Offset": "0", "Upload-Length": "5", "Upload-Metadata": meta, "Cache-Control": "no-store", "Tus-Resumable": "1.0.0",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := http.ParseTime(h.Get("Upload-Expires")); err != nil {
		t.Errorf("Upload-Expires: %v", err)
	}
	r.want(200, "HEAD", url, "-", "Tus-Resumable: -")
}

// TestDeferredLength: the length is told once, with any of the requests.
func TestDeferredLength(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.MaxSize = 20 })
	url := r.want(201, "POST", "/files", "ab", "Upload-Defer-Length: 1", metadata("filename", "f")).header.Get("Location")
	if h := r.want(200, "HEAD", url, "-").header; h.Get("Upload-Defer-Length") != "1" || h.Get("Upload-Length") != "" || h.Get("Upload-Offset") != "2" {
		t.Errorf("%v", h)
	}
	r.patch(url, 2, "cd")
	r.want(413, "PATCH", url, strings.Repeat("x", 17), "Upload-Offset: 4")
	r.want(400, "PATCH", url, "", "Upload-Offset: 4", "Upload-Length: 3")
	r.want(413, "PATCH", url, "", "Upload-Offset: 4", "Upload-Length: 21")
	r.patch(url, 4, "e", "Upload-Length: 6")
	r.want(400, "PATCH", url, "f", "Upload-Offset: 5", "Upload-Length: 7")
	if h := r.want(200, "HEAD", url, "-").header; h.Get("Upload-Defer-Length") != "" || h.Get("Upload-Length") != "6" {
		t.Errorf("%v", h)
	}
	r.patch(url, 5, "f", "Upload-Length: 6")
	if got := r.content("f"); got != "abcdef" {
		t.Errorf("%q", got)
	}
	// The length may come when all data is there already.
	url = r.want(201, "POST", "/files", "abc", "Upload-Defer-Length: 1", metadata("filename", "g")).header.Get("Location")
	r.patch(url, 3, "", "Upload-Length: 3")
	if got := r.content("g"); got != "abc" {
		t.Errorf("%q", got)
	}
}

// TestCompleteTakesNothing: the last request may be repeated, as if its answer was lost.
func TestCompleteTakesNothing(t *testing.T) {
	r := newRig(t)
	url := r.begin(3, "f")
	r.patch(url, 0, "abc")
	r.take()
	r.want(204, "PATCH", url, "", "Upload-Offset: 3")
	r.want(413, "PATCH", url, "d", "Upload-Offset: 3")
	r.want(409, "PATCH", url, "abc", "Upload-Offset: 0")
	if got := r.content("f"); got != "abc" {
		t.Errorf("%q", got)
	}
	r.told()
}

// TestMethodOverride: for clients whose proxies let GET and POST through only.
func TestMethodOverride(t *testing.T) {
	r := newRig(t)
	url := r.begin(3, "f")
	if h := r.want(200, "GET", url, "-", "X-HTTP-Method-Override: HEAD").header; h.Get("Upload-Offset") != "0" {
		t.Errorf("%v", h)
	}
	r.want(204, "POST", url, "abc", "X-HTTP-Method-Override: PATCH", "Upload-Offset: 0")
	r.want(204, "POST", url, "-", "X-HTTP-Method-Override: DELETE")
	r.want(404, "HEAD", url, "-")
}

// TestContentTypeParameters: only the type counts.
func TestContentTypeParameters(t *testing.T) {
	r := newRig(t)
	url := r.begin(3, "f")
	r.want(204, "PATCH", url, "abc", "Upload-Offset: 0", "Content-Type: Application/Offset+Octet-Stream; charset=x")
}

// TestAnyVersion and empty uploads are settings.
func TestLax(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.StrictVersion, c.AllowEmpty = false, false })
	r.want(201, "POST", "/files", "-", "Tus-Resumable: -", "Upload-Length: 1")
	r.want(412, "POST", "/files", "-", "Tus-Resumable: 2.0.0", "Upload-Length: 1")
	r.want(400, "POST", "/files", "-", "Upload-Length: 0")
}

// TestCORS: pages of other sites may use everything that tus has, if they are allowed.
func TestCORS(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) {
		c.CORS.Enabled, c.CORS.AllowedOrigins = true, []string{"https://app.example.com"}
	})
	h := r.want(200, "OPTIONS", "/files", "-", "Login: -", "Origin: https://app.example.com", "Access-Control-Request-Method: PATCH",
		"Access-Control-Request-Headers: authorization,tus-resumable,upload-offset,upload-length,upload-metadata,upload-checksum,upload-concat,upload-defer-length,x-request-id,x-http-method-override,content-type").header
	if h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Access-Control-Max-Age") != "86400" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "tus-resumable") {
		t.Errorf("%v", h)
	}
	h = r.want(201, "POST", "/files", "-", "Upload-Length: 1", "Origin: https://app.example.com").header
	for _, name := range []string{"Location", "Upload-Offset", "Upload-Expires", "Tus-Resumable"} {
		if !strings.Contains(h.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed: %v", name, h)
		}
	}
	if h := r.want(201, "POST", "/files", "-", "Upload-Length: 1", "Origin: https://evil.example").header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", h)
	}
}
