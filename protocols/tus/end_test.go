package tus_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/tus"
	"sftpgo/vfs"
)

// TestTerminate: an upload that is given up is gone, and so is the file that it became.
func TestTerminate(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	r.patch(url, 0, "01234")
	r.take()
	got := r.want(204, "DELETE", url, "-")
	if got.body != "" {
		t.Errorf("%q", got.body)
	}
	r.told("delete.done /f 5/10 1")
	for _, method := range []string{"HEAD", "PATCH", "DELETE", "GET"} {
		r.want(404, method, url, "", "Upload-Offset: 5")
	}
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	url = r.want(201, "POST", "/files", "abc", "Upload-Length: 3", metadata("filename", "g")).header.Get("Location")
	r.take()
	r.want(204, "DELETE", url, "-")
	if c := r.content("g"); c != "-" {
		t.Errorf("%q", c)
	}
	r.told("delete.done /g 3/3 1")
	if u := r.usage(); !u.IsZero() {
		t.Errorf("usage %v", u)
	}
	r.want(404, "HEAD", url, "-")
}

// TestTerminateReplaced: a file that somebody else has put in the place of the upload
// is not the client's to remove.
func TestTerminateReplaced(t *testing.T) {
	r := newRig(t)
	url := r.want(201, "POST", "/files", "abc", "Upload-Length: 3", metadata("filename", "f")).header.Get("Location")
	if err := r.put("/f.new", "other"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(r.home, "f.new"), filepath.Join(r.home, "f")); err != nil {
		t.Fatal(err)
	}
	r.want(410, "GET", url, "-")
	r.want(410, "DELETE", url, "-")
	if c := r.content("f"); c != "other" {
		t.Errorf("%q", c)
	}
}

// TestTerminateWithoutPermission: removing the file takes the permission, giving up
// what is not complete does not.
func TestTerminateWithoutPermission(t *testing.T) {
	r := newRig(t, func(_ *tus.Config, u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"list", "upload"}}
	})
	url := r.begin(3, "f")
	r.want(204, "DELETE", url, "-")
	url = r.want(201, "POST", "/files", "abc", "Upload-Length: 3", metadata("filename", "f")).header.Get("Location")
	r.want(403, "DELETE", url, "-")
	r.want(403, "GET", url, "-")
	if n := r.offset(url); n != 3 || r.content("f") != "abc" {
		t.Errorf("offset %d, %q", n, r.content("f"))
	}
}

// TestGet: what is stored can be read, whole and in parts, and runs nowhere.
func TestGet(t *testing.T) {
	r := newRig(t)
	url := r.want(201, "POST", "/files", "0123456789", "Upload-Length: 10", metadata("filename", "a b.html")).header.Get("Location")
	r.take()
	got := r.want(200, "GET", url, "-", "Tus-Resumable: -")
	h := got.header
	if got.body != "0123456789" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") ||
		h.Get("Content-Disposition") != `attachment; filename="a b.html"` || h.Get("ETag") == "" {
		t.Errorf("%q %v", got.body, h)
	}
	r.told("download.done /a b.html -1/? 1")
	if got := r.want(206, "GET", url, "-", "Range: bytes=2-4"); got.body != "234" || got.header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("%q %v", got.body, got.header)
	}
	r.want(416, "GET", url, "-", "Range: bytes=20-")
	r.want(304, "GET", url, "-", "If-None-Match: "+h.Get("ETag"))
	image := r.want(201, "POST", "/files", "GIF", "Upload-Length: 3", metadata("filename", "x.png")).header.Get("Location")
	if h := r.want(200, "GET", image, "-").header; !strings.HasPrefix(h.Get("Content-Disposition"), "inline") || h.Get("Content-Type") != "image/png" {
		t.Errorf("%v", h)
	}

	open := r.begin(10, "open")
	r.patch(open, 0, "0123")
	if got := r.want(200, "GET", open, "-"); got.body != "0123" || got.header.Get("ETag") != "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q %v", got.body, got.header)
	}
}

// TestGetBesideWriter: reading does not disturb who writes.
func TestGetBesideWriter(t *testing.T) {
	r := newRig(t)
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	for range 3 {
		if got := r.want(200, "GET", url, "-"); got.body != "0123456789" {
			t.Errorf("%q", got.body)
		}
	}
	if _, err := io.WriteString(c, "abcdefghij"); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != 204 {
		t.Errorf("status %d", got)
	}
}

// TestExpiration: what nobody continues is removed, and said to be gone.
func TestExpiration(t *testing.T) {
	r := newRig(t, limited(10, 0))
	url, done := r.begin(5, "f"), r.want(201, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "done")).header.Get("Location")
	part := r.part("ab")
	r.patch(url, 0, "012")
	r.take()
	r.uploads.Sweep(t.Context(), time.Now())
	if n := r.offset(url); n != 3 {
		t.Errorf("offset %d", n)
	}
	r.uploads.Sweep(t.Context(), time.Now().Add(25*time.Hour))
	r.want(410, "HEAD", url, "-")
	r.want(410, "PATCH", url, "34", "Upload-Offset: 3")
	r.want(404, "HEAD", part, "-")
	r.want(404, "HEAD", done, "-")
	if left := r.staged(); len(left) > 0 || r.content("done") != "x" {
		t.Errorf("left %v, %q", left, r.content("done"))
	}
	r.told("upload.failed /f 3/5 0")
	r.uploads.Sweep(t.Context(), time.Now().Add(100*time.Hour))
	r.want(404, "HEAD", url, "-")
	r.told()
	u := r.begin(9, "g") // all room is free again
	r.patch(u, 0, "012345678")
}

// TestExpirationBesideWriter: who still writes has time.
func TestExpirationBesideWriter(t *testing.T) {
	r := newRig(t)
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	r.uploads.Sweep(t.Context(), time.Now().Add(25*time.Hour))
	if _, err := io.WriteString(c, "abcdefghij"); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != 204 || r.content("f") != "0123456789abcdefghij" {
		t.Errorf("status %d, %q", got, r.content("f"))
	}
}

// TestLostData: of an upload whose data were removed nothing can be continued.
func TestLostData(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f")
	if err := os.RemoveAll(filepath.Join(r.home, vfs.UploadsDir)); err != nil {
		t.Fatal(err)
	}
	r.want(410, "HEAD", url, "-")
	r.want(410, "PATCH", url, "x", "Upload-Offset: 0")
	r.patch(r.begin(1, "g"), 0, "x")
}

// TestVeto: hooks that are asked may refuse, in their own words, and then nothing has
// happened.
func TestVeto(t *testing.T) {
	r := newRig(t)
	url := r.begin(3, "f")
	r.take()
	r.hooks.answers(func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{}, &actions.Denial{Status: 402, ContentType: "application/json", Body: `{"pay":1}`}
	})
	for _, call := range [][]string{{"POST", "/files", "-"}, {"POST", "/files", "abc"}, {"DELETE", url, "-"}} {
		got := r.want(402, call[0], call[1], call[2], "Upload-Length: 3", metadata("filename", "g"))
		if got.body != `{"pay":1}` || got.header.Get("Content-Type") != "application/json" || got.header.Get("Location") != "" {
			t.Errorf("%v: %q %v", call, got.body, got.header)
		}
	}
	r.hooks.answers(func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, &actions.Denial{} })
	r.want(400, "POST", "/files", "-", "Upload-Length: 3")
	r.told()
	r.hooks.answers(nil)
	r.patch(url, 0, "abc") // it can be continued
	if n := len(r.staged()); n != 0 || r.content("g") != "-" {
		t.Errorf("%d left, %q", n, r.content("g"))
	}
}

// TestHookChooses: a hook may say where an upload goes, and what its id and metadata
// are, within the rules.
func TestHookChooses(t *testing.T) {
	r := newRig(t)
	choice := actions.Verdict{Decision: actions.Rename, Name: "/chosen", UploadID: "my-id", Metadata: map[string]string{"k": "v"}}
	r.hooks.answers(func(*actions.Event) (actions.Verdict, error) { return choice, nil })
	url := r.begin(3, "f")
	if !strings.HasSuffix(url, "/files/my-id") {
		t.Error(url)
	}
	if h := r.want(200, "HEAD", url, "-").header; h.Get("Upload-Metadata") != "k dg==" {
		t.Errorf("%v", h)
	}
	r.patch(url, 0, "abc")
	if c := r.content("chosen"); c != "abc" {
		t.Errorf("%q", c)
	}
	r.want(412, "POST", "/files", "xyz", "Upload-Length: 3") // the id is taken
	choice.UploadID = "../x"
	r.want(500, "POST", "/files", "-", "Upload-Length: 3")
	choice.UploadID, choice.Name = "", "/../x"
	r.want(500, "POST", "/files", "xyz", "Upload-Length: 3")
	if c := r.content("chosen"); c != "abc" {
		t.Errorf("%q", c)
	}
}

// TestEventFields: hooks hear all that the contract of uploads has.
func TestEventFields(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f", "X-Custom: 1", metadata("filename", "f", "k", "v"))
	r.patch(url+"?q=1", 0, "01234")
	id := filepath.Base(url)
	var kinds []actions.Kind
	for _, e := range append(r.hooks.asked, r.take()...) {
		kinds = append(kinds, e.Kind)
		tr, req := e.Transfer, e.Request
		if tr == nil || req == nil || tr.ID != id || *tr.Length != 5 || tr.Partial || tr.Final || tr.Created.IsZero() ||
			tr.Metadata["k"] != "v" || e.Session.Protocol != "HTTP" || e.Session.User != "alice" || e.Session.RemoteIP != "127.0.0.1" ||
			e.Object.Path != filepath.Join(r.home, "f") || req.Header["Host"][0] != strings.TrimPrefix(r.url, "http://") {
			t.Errorf("%+v\n%+v\n%+v", e, tr, req)
			continue
		}
		offset, method, uri := int64(5), "PATCH", "/files/"+id+"?q=1"
		if e.Kind == actions.UploadCheck || e.Kind == actions.UploadOpen {
			offset, method, uri = 0, "POST", "/files"
		}
		if tr.Offset != offset || req.Method != method || req.URI != uri {
			t.Errorf("%s: offset %d, %s %s", e.Kind, tr.Offset, req.Method, req.URI)
		}
	}
	want := []actions.Kind{actions.UploadCheck, actions.UploadOpen, actions.UploadPart, actions.UploadDone}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got)\n%s", diff)
	}
}

// TestHidden: what waits is nowhere to be seen and nobody's to touch.
func TestHidden(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	r.patch(url, 0, "012345")
	staged := "/.uploads/" + filepath.Base(url)
	u, _, err := r.store.Users().Get(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.manager.Open(t.Context(), u, session.Peer{Protocol: "SFTP", ID: "SFTP_1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for info, err := range s.List(t.Context(), "/") {
		t.Errorf("listed: %v, %v", info, err)
	}
	for _, name := range []string{"/.uploads", staged, "/x/.." + staged} {
		if _, err := s.Stat(t.Context(), name); err == nil {
			t.Errorf("%s is there", name)
		}
		if err := s.Remove(t.Context(), name); err == nil {
			t.Errorf("%s was removed", name)
		}
		if err := s.Rename(t.Context(), name, "/stolen"); err == nil {
			t.Errorf("%s was moved", name)
		}
		if err := r.put(name, "x"); err == nil {
			t.Errorf("%s was written", name)
		}
		if err := s.Symlink(t.Context(), name, "/link"); err == nil {
			t.Errorf("a link leads to %s", name)
		}
		if _, err := s.Download(t.Context(), name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := r.manager.Scan(t.Context(), "alice"); err != nil || !r.usage().IsZero() {
		t.Errorf("usage %v, %v", r.usage(), err)
	}
	if n := r.offset(url); n != 6 {
		t.Errorf("offset %d", n)
	}
	if info, err := os.Stat(filepath.Join(r.home, ".uploads")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestLocation: proxies that are trusted tell where clients reach the server; nobody
// else does.
func TestLocation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trusted []string
		url     string
		header  []string
		want    string
	}{
		{"direct", nil, "", nil, "@"},
		{"host", nil, "", []string{"Host: up.example.com"}, "http://up.example.com"},
		{"not trusted", nil, "", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"}, "@"},
		{"trusted", []string{"127.0.0.1"}, "", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: up.example.com"}, "https://up.example.com"},
		{"the last proxy counts", []string{"127.0.0.1"}, "", []string{"X-Forwarded-Host: evil.example, up.example.com"}, "http://up.example.com"},
		{"Forwarded", []string{"127.0.0.1"}, "", []string{`Forwarded: for=192.0.2.1;host="up.example.com:8443";proto=HTTPS`}, "https://up.example.com:8443"},
		{"nonsense", []string{"127.0.0.1"}, "", []string{"X-Forwarded-Proto: gopher", "X-Forwarded-Host: a b/c"}, "@"},
		{"configured", nil, "https://up.example.com/", []string{"Host: other"}, "https://up.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, func(c *tus.Config, _ *dataprovider.User) {
				c.Bindings[0].ProxyAllowed, c.Bindings[0].ExternalURL, c.Bindings[0].Prefix = tt.trusted, tt.url, "/up/files/"
			})
			got := r.want(201, "POST", "/up/files", "-", append(tt.header, "Upload-Length: 1")...).header.Get("Location")
			want := strings.ReplaceAll(tt.want, "@", r.url) + "/up/files/"
			if !strings.HasPrefix(got, want) || len(got) != len(want)+36 {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
