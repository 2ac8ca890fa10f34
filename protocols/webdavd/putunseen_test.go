package webdavd_test

import (
	"strings"
	"testing"

	"sftpgo/protocols/session"
)

// What one request uploads is for no other request there before it is complete, also
// if both are of one user.
func TestUploadIsNotSeen(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old content")
	etag := r.want(200, "HEAD", "/f", "").header.Get("ETag")
	end := r.slowPut("/f")
	head := r.want(200, "HEAD", "/f", "").header
	if got := head.Get("Content-Length"); got != "11" || head.Get("ETag") != etag {
		t.Errorf("HEAD of a file that is being replaced: %s bytes, %s", got, head.Get("ETag"))
	}
	if got := r.want(207, "PROPFIND", "/f", "", "Depth: 0").body; !strings.Contains(got, etag) {
		t.Errorf("PROPFIND of a file that is being replaced:\n%s", got)
	}
	r.want(204, "PUT", "/f", "theirs", "If-Match: "+etag)
	if got := end(); got.status != 204 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.content("f"); got != "mine" {
		t.Errorf("content %q", got)
	}
}

// The same of a file that is new.
func TestNewUploadIsNotSeen(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	end := r.slowPut("/new")
	for _, method := range []string{"HEAD", "GET", "PROPFIND"} {
		if got := r.want(404, method, "/new", "", "Depth: 0").header.Get("ETag"); got != "" {
			t.Errorf("%s: nothing has the validator %s", method, got)
		}
	}
	r.want(201, "PUT", "/new", "theirs", "If-None-Match: *")
	if got := end(); got.status != 201 && got.status != 204 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
