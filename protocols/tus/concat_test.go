package tus_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

// part makes a complete part.
func (r *rig) part(content string) string {
	r.t.Helper()
	return r.want(201, "POST", "/files", content, "Upload-Length: "+itoa(len(content)), "Upload-Concat: partial").header.Get("Location")
}

// TestConcatenation: parts become one file, in the order of the list, by URLs of any
// form.
func TestConcatenation(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("0123456789", 300_000)
	a, b, empty := r.part("aaa"), r.part(long), r.part("")
	if h := r.want(200, "HEAD", a, "-").header; h.Get("Upload-Concat") != "partial" || h.Get("Upload-Offset") != "3" {
		t.Errorf("%v", h)
	}
	r.take()
	list := "final;" + b + " /files/" + filepath.Base(a) + "/ " + empty + " " + a
	got := r.want(201, "POST", "/files", "-", "Upload-Concat: "+list, metadata("filename", "f"))
	if c := r.content("f"); c != long+"aaaaaa" {
		t.Errorf("%d bytes", len(c))
	}
	n := itoa(len(long) + 6)
	url := got.header.Get("Location")
	h := r.want(200, "HEAD", url, "-").header
	want := "final;" + b + " " + a + " " + empty + " " + a
	if got.header.Get("Upload-Offset") != n || h.Get("Upload-Offset") != n || h.Get("Upload-Length") != n || h.Get("Upload-Concat") != want {
		t.Errorf("%v\n%v", got.header, h)
	}
	var done []string
	for _, e := range r.take() {
		if tr := e.Transfer; e.Kind == "upload.done" && tr.Final && len(tr.Parts) == 4 && tr.Parts[1] == filepath.Base(a) && *tr.Length == int64(len(long)+6) {
			done = append(done, e.Object.Name)
		}
	}
	if diff := cmp.Diff([]string{"/f"}, done); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	r.want(403, "PATCH", url, "x", "Upload-Offset: "+n)
	for _, p := range []string{a, b, empty} { // they are used up
		r.want(404, "HEAD", p, "-")
	}
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestConcatenationRefused: of parts that are not complete nothing is made, and nothing
// is lost.
func TestConcatenationRefused(t *testing.T) {
	r := newRig(t)
	a := r.part("aaa")
	open := r.want(201, "POST", "/files", "-", "Upload-Length: 3", "Upload-Concat: partial").header.Get("Location")
	r.want(400, "POST", "/files", "-", "Upload-Concat: final;"+a+" "+open, metadata("filename", "f"))
	r.want(409, "POST", "/files", "-", "Upload-Concat: final;"+a, metadata("path", "/none/f"))
	if got := r.offset(a); got != 3 {
		t.Errorf("offset %d", got)
	}
	r.patch(open, 0, "bbb")
	r.want(201, "POST", "/files", "-", "Upload-Concat: final;"+a+" "+open, metadata("filename", "f"))
	if c := r.content("f"); c != "aaabbb" {
		t.Errorf("%q", c)
	}
}

// TestKeepParts: parts may serve again where they are kept.
func TestKeepParts(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.KeepParts, c.MaxSize = true, 7 })
	a := r.part("aaa")
	for _, name := range []string{"f", "g"} {
		r.want(201, "POST", "/files", "-", "Upload-Concat: final;"+a+" "+a, metadata("filename", name))
		if c := r.content(name); c != "aaaaaa" {
			t.Errorf("%q", c)
		}
	}
	r.want(413, "POST", "/files", "-", "Upload-Concat: final;"+a+" "+a+" "+a, metadata("filename", "h"))
	r.want(204, "DELETE", a, "-")
}
