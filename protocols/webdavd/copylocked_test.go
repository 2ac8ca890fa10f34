package webdavd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/protocols/session"
)

// A COPY that began before somebody locked its target replaces nothing.
func TestLockedDuringCopy(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.addUser("bob", r.home)
	r.write("f", "new")
	r.write("src/a", "new")
	r.write("src/b", "new")
	r.write("d/f", "old")
	r.hooks.before = func(k actions.Kind, name string) {
		if k == actions.UploadCheck && name == "/d/f" {
			r.want(200, "LOCK", "/d/f", exclusive, "Login: bob")
		}
	}
	r.want(423, "COPY", "/f", "", "Destination: @/d/f")
	if got := r.content("d/f"); got != "old" {
		t.Errorf("content %q", got)
	}
	if diff := cmp.Diff([]string{"download.done /f 1 3", "upload.failed /d/f 0 0"}, r.waitEvents(2)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// A member, whose neighbour is copied all the same.
	r.hooks.before = func(k actions.Kind, name string) {
		if k == actions.UploadCheck && name == "/copy/b" {
			r.want(201, "LOCK", "/copy/x", exclusive, "Login: bob", "Depth: 0")
			r.write("copy/b", "bob's")
			r.want(200, "LOCK", "/copy/b", exclusive, "Login: bob", "Depth: 0")
		}
	}
	got := r.want(207, "COPY", "/src", "", "Destination: @/copy")
	if !strings.Contains(got.body, "/src/b</D:href><D:status>HTTP/1.1 423") || strings.Contains(got.body, "/src/a") {
		t.Errorf("%s", got.body)
	}
	if a, b := r.content("copy/a"), r.content("copy/b"); a != "new" || b != "bob's" {
		t.Errorf("%q and %q", a, b)
	}
}

// A source that somebody has taken away is not a parent that is missing.
func TestSourceGone(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "content")
	r.hooks.before = func(k actions.Kind, _ string) {
		if k == actions.DownloadCheck {
			if err := os.Remove(filepath.Join(r.home, "f")); err != nil {
				t.Error(err)
			}
		}
	}
	r.want(404, "COPY", "/f", "", "Destination: @/g")
}
