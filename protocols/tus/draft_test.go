package tus_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

const (
	uploadComplete = "Upload-Complete: ?1"
	uploadGoesOn   = "Upload-Complete: ?0"
)

// drafts serves the drafts of the IETF, too.
func drafts(c *tus.Config, _ *dataprovider.User) { c.IETFDrafts = []string{"6", "8"} }

// interim is a response 104.
type interim struct{ location, offset, limit, version string }

// ietf sends a request of the draft; version 0 leaves the version out, body "-" is none.
func (r *rig) ietf(version int, method, path, body string, header ...string) (reply, []interim) {
	r.t.Helper()
	var from io.Reader
	if body != "-" {
		from = strings.NewReader(body)
	}
	return r.ietfFrom(version, method, path, from, header...)
}

func (r *rig) ietfFrom(version int, method, path string, body io.Reader, header ...string) (reply, []interim) {
	r.t.Helper()
	lines := []string{"Tus-Resumable: -"}
	if method == "PATCH" {
		lines = append(lines, "Content-Type: application/partial-upload")
	} else {
		lines = append(lines, "Content-Type: -")
	}
	if version > 0 {
		lines = append(lines, "Upload-Draft-Interop-Version: "+strconv.Itoa(version))
	}
	req := r.request(method, path, body, append(lines, header...)...)
	var seen []interim
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code != 104 {
			r.t.Errorf("interim response %d", code)
		}
		seen = append(seen, interim{h.Get("Location"), h.Get("Upload-Offset"), h.Get("Upload-Limit"), h.Get("Upload-Draft-Interop-Version")})
		return nil
	}}
	got := r.send(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	return got, seen
}

// says checks an answer: its status, and header fields as "Name: value"; the value "-"
// is that it is not there.
func (r *rig) says(what string, got reply, status int, header ...string) {
	r.t.Helper()
	if got.status != status {
		r.t.Errorf("%s: status %d, want %d\n%s", what, got.status, status, got.body)
	}
	for _, line := range header {
		name, want, _ := strings.Cut(line, ": ")
		if want == "-" {
			want = ""
		}
		if v := got.header.Get(name); v != want {
			r.t.Errorf("%s: %s is %q, want %q", what, name, v, want)
		}
	}
}

// problemOf checks the type of a problem, and returns its members.
func (r *rig) problemOf(got reply, status int, kind string) map[string]any {
	r.t.Helper()
	r.says(kind, got, status, "Content-Type: application/problem+json")
	var members map[string]any
	if err := json.Unmarshal([]byte(got.body), &members); err != nil {
		r.t.Fatalf("%q: %v", got.body, err)
	}
	if want := "https://iana.org/assignments/http-problem-types#" + kind; members["type"] != want || members["title"] == "" {
		r.t.Errorf("%v is no %s", members, want)
	}
	return members
}

// each runs a test for both versions.
func each(t *testing.T, test func(t *testing.T, r *rig, version int)) {
	for _, version := range []int{6, 8} {
		t.Run(strconv.Itoa(version), func(t *testing.T) { test(t, newRig(t, drafts), version) })
	}
}

// TestDraftWhole: one request with everything, whose client hears the URL first.
func TestDraftWhole(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		got, seen := r.ietf(version, "POST", "/files", "0123456789", uploadComplete, `Content-Disposition: inline; filename="a.txt"; filename*=UTF-8''gr%C3%BC%C3%9Fe.txt`,
			"Content-Type: text/plain")
		r.says("creation", got, 201, uploadComplete, "Upload-Offset: 10", "Tus-Resumable: -", "Upload-Draft-Interop-Version: -")
		url := got.header.Get("Location")
		if len(seen) != 1 || seen[0].location != url || seen[0].version != strconv.Itoa(version) || seen[0].offset != "" {
			t.Errorf("interim %+v, Location %s", seen, url)
		}
		if want := map[int]string{6: "expires=", 8: "max-age="}[version]; len(seen) == 1 && !strings.HasPrefix(seen[0].limit, want) {
			t.Errorf("Upload-Limit %q", seen[0].limit)
		}
		if got := r.content("grüße.txt"); got != "0123456789" {
			t.Errorf("%q", got)
		}
		want := []string{"upload.open /grüße.txt 10/10 1", "upload.part /grüße.txt 10/10 1", "upload.done /grüße.txt 10/10 1"}
		events := r.take()
		if last := events[len(events)-1]; last.Transfer.Metadata["filename"] != "grüße.txt" || last.Transfer.Metadata["filetype"] != "text/plain" {
			t.Errorf("metadata %v", last.Transfer.Metadata)
		}
		if diff := cmp.Diff(want, describe(events)); diff != "" {
			t.Errorf("events (-want +got)\n%s", diff)
		}
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadComplete, "Upload-Offset: 10", "Upload-Length: 10", "Upload-Limit: min-size=0", "Cache-Control: no-store")
		// To a client of the IETF the upload is a means; the file stays.
		got, _ = r.ietf(version, "DELETE", url, "-")
		r.says("DELETE", got, 204)
		if r.content("grüße.txt") != "0123456789" {
			t.Error("the file went with the upload")
		}
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 404)
	})
}

// TestDraftParts: an upload without a length, in several requests; it is complete when
// its client says so.
func TestDraftParts(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		got, seen := r.ietf(version, "POST", "/files", "01234", uploadGoesOn, "Content-Disposition: attachment; filename=f")
		r.says("creation", got, 201, uploadGoesOn, "Upload-Offset: 5")
		url := got.header.Get("Location")
		if len(seen) != 1 || seen[0].location != url {
			t.Errorf("interim %+v", seen)
		}
		got, seen = r.ietf(version, "PATCH", url, "567", uploadGoesOn, "Upload-Offset: 5")
		r.says("PATCH", got, 204, uploadGoesOn, "Upload-Offset: 8", "Location: -")
		if len(seen) != 0 {
			t.Errorf("interim %+v", seen)
		}
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 8", "Upload-Length: -", "Cache-Control: no-store")
		// Its length becomes known, and is reached; but nobody has said that this is all.
		got, _ = r.ietf(version, "PATCH", url, "89", uploadGoesOn, "Upload-Offset: 8", "Upload-Length: 10")
		r.says("PATCH", got, 204, uploadGoesOn, "Upload-Offset: 10")
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 10", "Upload-Length: 10")
		if r.content("f") != "-" {
			t.Error("published before the end")
		}
		got, _ = r.ietf(version, "PATCH", url, "", uploadComplete, "Upload-Offset: 10")
		r.says("the end", got, 201, uploadComplete, "Upload-Offset: 10", "Location: "+url)
		if got := r.content("f"); got != "0123456789" {
			t.Errorf("%q", got)
		}
	})
}

// TestDraftChunked: a body whose length nobody knows is the rest of the upload.
func TestDraftChunked(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		body := func(text string) io.Reader { return struct{ io.Reader }{strings.NewReader(text)} }
		got, _ := r.ietfFrom(version, "POST", "/files", body("0123456789"), uploadComplete, "Content-Disposition: inline; filename=f")
		r.says("creation", got, 201, uploadComplete, "Upload-Offset: 10")
		if got := r.content("f"); got != "0123456789" {
			t.Errorf("%q", got)
		}
		// Less than was told, then more.
		got, _ = r.ietf(version, "POST", "/files", "-", uploadGoesOn, "Upload-Length: 10", "Content-Disposition: inline; filename=g")
		url := got.header.Get("Location")
		got, _ = r.ietfFrom(version, "PATCH", url, body("0123"), uploadComplete, "Upload-Offset: 0")
		r.problemOf(got, 400, "inconsistent-upload-length")
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 4")
		got, _ = r.ietfFrom(version, "PATCH", url, body("4567890"), uploadComplete, "Upload-Offset: 4")
		r.problemOf(got, 400, "inconsistent-upload-length")
		got, _ = r.ietf(version, "HEAD", url, "-") // the draft: rejecting any further interaction with it
		r.says("HEAD", got, 410)
		if r.content("g") != "-" || len(r.staged()) != 0 {
			t.Errorf("%v is left", r.staged())
		}
		if use := r.usage(); use.Bytes != 10 || use.Files != 1 {
			t.Errorf("usage %+v", use)
		}
	})
}

// TestDraftBroken: a creation that broke off is resumed at the URL of the interim
// response.
func TestDraftBroken(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		c, answer := r.raw("POST", "/files", "Upload-Draft-Interop-Version: "+strconv.Itoa(version), "Content-Length: 20", uploadComplete,
			"Content-Disposition: inline; filename=f")
		if _, err := io.WriteString(c, "0123456789"); err != nil {
			t.Fatal(err)
		}
		first, err := http.ReadResponse(answer, nil)
		if err != nil || first.StatusCode != 104 {
			t.Fatalf("%v, %v", first, err)
		}
		url := r.at(first.Header.Get("Location"))
		r.waitSize(url, 10)
		c.Close()
		got, _ := r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 10", "Upload-Length: 20")
		got, _ = r.ietf(version, "PATCH", url, "abcdefghij", uploadComplete, "Upload-Offset: 10")
		r.says("PATCH", got, 201, uploadComplete)
		if got := r.content("f"); got != "0123456789abcdefghij" {
			t.Errorf("%q", got)
		}
	})
}

// TestDraftHeadInterrupts: the offset of an answer is one that can be used, so whoever
// writes the upload has to stop.
func TestDraftHeadInterrupts(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		c, answer := r.raw("POST", "/files", "Upload-Draft-Interop-Version: "+strconv.Itoa(version), "Content-Length: 20", uploadComplete,
			"Content-Disposition: inline; filename=f")
		first, err := http.ReadResponse(answer, nil)
		if err != nil || first.StatusCode != 104 {
			t.Fatalf("%v, %v", first, err)
		}
		url := r.at(first.Header.Get("Location"))
		if _, err := io.WriteString(c, "0123456789"); err != nil {
			t.Fatal(err)
		}
		r.waitSize(url, 10)
		got, _ := r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 10")
		if got := status(answer); got != 423 {
			t.Errorf("the writer is answered with %d", got)
		}
		got, _ = r.ietf(version, "PATCH", url, "abcdefghij", uploadComplete, "Upload-Offset: 10")
		r.says("PATCH", got, 201, uploadComplete)
		if got := r.content("f"); got != "0123456789abcdefghij" {
			t.Errorf("%q", got)
		}
	})
}

// TestDraftProgress: who sends for long hears how much is stored.
func TestDraftProgress(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		c, answer := r.raw("POST", "/files", "Upload-Draft-Interop-Version: "+strconv.Itoa(version), "Transfer-Encoding: chunked", uploadComplete,
			"Content-Disposition: inline; filename=f")
		if first, err := http.ReadResponse(answer, nil); err != nil || first.StatusCode != 104 {
			t.Fatalf("%v, %v", first, err)
		}
		told := make(chan *http.Response, 1)
		go func() {
			next, err := http.ReadResponse(answer, nil)
			if err != nil {
				next = nil
			}
			told <- next
		}()
		for sent := 1; sent < 1000; sent++ {
			if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
				t.Fatal(err)
			}
			select {
			case next := <-told:
				if next == nil || next.StatusCode != 104 {
					t.Fatalf("%+v", next)
				}
				n, err := strconv.Atoi(next.Header.Get("Upload-Offset"))
				if err != nil || n < 1 || n > sent || next.Header.Get("Location") != "" ||
					next.Header.Get("Upload-Draft-Interop-Version") != strconv.Itoa(version) {
					t.Errorf("%+v after %d bytes", next.Header, sent)
				}
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
		t.Error("nothing was heard")
	})
}
