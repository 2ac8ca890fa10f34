package webdavd_test

import (
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// TestConditionAtTheEnd: an upload whose condition held when it began, and does not
// any more when it ends, replaces nothing.
func TestConditionAtTheEnd(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old")
	etag := r.want(200, "HEAD", "/f", "").header.Get("ETag")
	for _, test := range []struct{ name, header string }{
		{"/f", "If-Match: " + etag}, {"/new", "If-None-Match: *"}, {"/new2", `If-None-Match: "a", *`},
	} {
		body, send := io.Pipe()
		req, err := http.NewRequest("PUT", r.url+test.name, body)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan reply)
		go func() { got <- r.send(req, test.header) }()
		if _, err := send.Write([]byte("mine")); err != nil {
			t.Fatal(err)
		}
		r.stagedUpload()
		if s := r.call("PUT", test.name, "theirs").status; s != 201 && s != 204 {
			t.Fatalf("%s: %d", test.name, s)
		}
		r.events()
		_ = send.Close()
		if reply := <-got; reply.status != 412 {
			t.Errorf("%s: %d %s", test.name, reply.status, reply.body)
		}
		if r.content(test.name[1:]) != "theirs" {
			t.Errorf("%s: %q", test.name, r.content(test.name[1:]))
		}
		if diff := cmp.Diff([]string{"upload.failed " + test.name + " 0 0"}, r.waitEvents(1)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// stagedUpload waits until the file of an upload is open.
func (r *rig) stagedUpload() {
	r.t.Helper()
	for range 500 {
		for _, dir := range []string{"", "*"} {
			if found, _ := filepath.Glob(filepath.Join(r.home, dir, vfs.StagingPrefix+"*")); len(found) > 0 {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("nothing is staged")
}
