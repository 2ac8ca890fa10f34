package webdavd_test

import (
	"io"
	"net/http"
	"testing"

	"sftpgo/protocols/session"
)

// slowPut begins an upload and returns what lets it end.
func (r *rig) slowPut(path string, header ...string) (end func() reply) {
	r.t.Helper()
	body, send := io.Pipe()
	req, err := http.NewRequest("PUT", r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	got := make(chan reply, 1)
	go func() { got <- r.send(req, header...) }()
	if _, err := send.Write([]byte("mine")); err != nil {
		r.t.Fatal(err)
	}
	r.stagedUpload()
	return func() reply {
		_ = send.Close()
		return <-got
	}
}

// An upload that began before somebody locked the file, or a collection above,
// replaces nothing.
func TestLockedDuringUpload(t *testing.T) {
	for _, tt := range []struct {
		name, path, lock, depth, want string
		status                        int
	}{
		{"the file", "/d/f", "/d/f", "0", "old", 423},
		{"above", "/d/f", "/d", "infinity", "old", 423},
		{"not the member", "/d/f", "/d", "0", "mine", 204},
		{"a new member", "/d/new", "/d", "0", "-", 423},
		{"another", "/d/f", "/d/g", "0", "mine", 204},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: 1})
			r.write("d/f", "old")
			r.write("d/g", "old")
			r.addUser("bob", r.home)
			end := r.slowPut(tt.path)
			token := r.want(200, "LOCK", tt.lock, exclusive, "Login: bob", "Depth: "+tt.depth).header.Get("Lock-Token")
			if got := end(); got.status != tt.status {
				t.Errorf("%d %s", got.status, got.body)
			}
			if got := r.content(tt.path); got != tt.want {
				t.Errorf("content %q", got)
			}
			r.want(204, "UNLOCK", tt.lock, "", "Login: bob", "Lock-Token: "+token)
		})
	}
}

// The holder of a lock is not in its own way, even if the lock runs out meanwhile.
func TestUnlockedDuringUpload(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old")
	token := r.want(200, "LOCK", "/f", exclusive).header.Get("Lock-Token")
	end := r.slowPut("/f", "If: ("+token+")")
	if got := end(); got.status != 204 {
		t.Errorf("locked: %d %s", got.status, got.body)
	}
	end = r.slowPut("/f", "If: ("+token+")")
	r.want(204, "UNLOCK", "/f", "", "Lock-Token: "+token)
	if got := end(); got.status != 204 || r.content("f") != "mine" {
		t.Errorf("unlocked: %d %s", got.status, got.body)
	}
}

// A validator in the If header is compared again at the end.
func TestIfHeaderAtTheEnd(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old")
	etag := r.want(200, "HEAD", "/f", "").header.Get("ETag")
	end := r.slowPut("/f", "If: (["+etag+"])")
	if got := end(); got.status != 204 || r.content("f") != "mine" {
		t.Errorf("%d %s", got.status, got.body)
	}
	etag = r.want(200, "HEAD", "/f", "").header.Get("ETag")
	end = r.slowPut("/f", "If: (["+etag+"])")
	r.want(204, "PUT", "/f", "theirs")
	if got := end(); got.status != 412 || r.content("f") != "theirs" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
