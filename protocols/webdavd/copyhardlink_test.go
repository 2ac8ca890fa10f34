package webdavd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

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
