package tus_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func (r *rig) told(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.events()); diff != "" {
		r.t.Errorf("events (-want +got)\n%s", diff)
	}
}

// TestUpload: an upload in several requests becomes a file in one step.
func TestUpload(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "a.txt")
	if got := r.content("a.txt"); got != "-" {
		t.Errorf("%q is to be seen", got)
	}
	r.told("upload.open /a.txt 0/10 1")
	r.patch(url, 0, "01234")
	r.told("upload.part /a.txt 5/10 1")
	if n := r.offset(url); n != 5 {
		t.Errorf("offset %d", n)
	}
	r.patch(url, 5, "56789")
	r.told("upload.part /a.txt 10/10 1", "upload.done /a.txt 10/10 1")
	if got := r.content("a.txt"); got != "0123456789" {
		t.Errorf("content %q", got)
	}
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if got := r.usage(); got != (dataprovider.Amount{Files: 1, Bytes: 10}) {
		t.Errorf("usage %v", got)
	}
	if n := r.offset(url); n != 10 {
		t.Errorf("offset %d of a complete upload", n)
	}
}

// TestWholeUpload: one request may have everything.
func TestWholeUpload(t *testing.T) {
	r := newRig(t)
	for name, content := range map[string]string{"a": "0123456789", "empty": "", "large": strings.Repeat("x", 3<<20)} {
		got := r.want(201, "POST", "/files/", content, metadata("filename", name), "Upload-Length: "+itoa(len(content)))
		if o := got.header.Get("Upload-Offset"); o != itoa(len(content)) {
			t.Errorf("%s: offset %s", name, o)
		}
		if c := r.content(name); c != content {
			t.Errorf("%s: %d bytes", name, len(c))
		}
		if n := r.offset(got.header.Get("Location")); n != len(content) {
			t.Errorf("%s: offset %d", name, n)
		}
		n := itoa(len(content))
		want := []string{"upload.open /" + name + " " + n + "/" + n + " 1", "upload.part /" + name + " " + n + "/" + n + " 1", "upload.done /" + name + " " + n + "/" + n + " 1"}
		if content == "" {
			want = []string{want[0], want[2]}
		}
		r.told(want...)
	}
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
