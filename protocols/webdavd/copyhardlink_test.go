package webdavd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// A copy onto another name of the same file does not empty it.
func TestCopyOntoHardLink(t *testing.T) {
	for mode, status := range []int{http.StatusPreconditionFailed, http.StatusNoContent} {
		r := newRig(t, session.Config{UploadMode: mode})
		r.write("f", "content")
		if err := os.Link(filepath.Join(r.home, "f"), filepath.Join(r.home, "g")); err != nil {
			t.Skip("no hard links here:", err)
		}
		r.want(status, "COPY", "/f", "", "Destination: @/g")
		if f, g := r.content("f"), r.content("g"); f != "content" || g != "content" {
			t.Errorf("upload mode %d: %q and %q", mode, f, g)
		}
	}
}

// A MOVE onto another name of the same file leaves one name, as any MOVE does.
func TestMoveOntoHardLink(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "content")
	r.write("d/other", "")
	for _, g := range []string{"g", "d/g"} {
		if err := os.Link(filepath.Join(r.home, "f"), filepath.Join(r.home, g)); err != nil {
			t.Skip("no hard links here:", err)
		}
		r.want(http.StatusPreconditionFailed, "MOVE", "/f", "", "Destination: @/"+g, "Overwrite: F")
		r.want(http.StatusNoContent, "MOVE", "/f", "", "Destination: @/"+g)
		r.want(http.StatusNotFound, "GET", "/f", "")
		if got := r.content(g); got != "content" {
			t.Errorf("%s holds %q", g, got)
		}
		r.want(http.StatusCreated, "MOVE", "/"+g, "", "Destination: @/f")
	}
	if got := r.content("f"); got != "content" {
		t.Errorf("f holds %q", got)
	}
}

// A COPY that is refused before a byte has moved is no download.
func TestCopyRefusedTellsNobody(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions["/in"] = []string{dataprovider.PermList, dataprovider.PermDownload}
	})
	r.write("f", "content")
	r.write("in/f", "old")
	r.want(http.StatusForbidden, "COPY", "/f", "", "Destination: @/in/new")
	r.want(http.StatusForbidden, "COPY", "/f", "", "Destination: @/in/f")
	r.want(http.StatusConflict, "COPY", "/f", "", "Destination: @/none/f")
	if got := r.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
	r.want(http.StatusCreated, "COPY", "/f", "", "Destination: @/g")
	if got := r.waitEvents(2); len(got) != 2 {
		t.Errorf("events %q", got)
	}
}
