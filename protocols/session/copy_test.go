package session_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// A copy that is to be new replaces nothing, whoever made it and whether the user may see it or not.
func TestCopyNew(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) {
			u.Permissions["/box"] = []string{dataprovider.PermUpload, dataprovider.PermOverwrite}
		})
		r.write("f", "new")
		r.write("box/f", "old")
		s := r.open()
		if err := s.CopyBy(t.Context(), session.CopyRule{New: true}, "/f", "/box/f"); !errors.Is(err, vfs.ErrExist) {
			t.Error(err)
		}
		must(t, s.CopyBy(t.Context(), session.CopyRule{New: true}, "/f", "/box/g"))
		if f, g := r.content("box/f"), r.content("box/g"); f != "old" || g != "new" {
			t.Errorf("upload mode %d: %q and %q", mode, f, g)
		}
		must(t, s.Copy(t.Context(), "/f", "/box/f"))
		if f := r.content("box/f"); f != "new" {
			t.Errorf("upload mode %d: %q", mode, f)
		}
	}
}

// A copy that breaks off leaves what it was to replace, also where what arrived of an
// upload is kept: nobody goes on with a copy.
func TestCopyBrokenOff(t *testing.T) {
	for _, mode := range []int{1, 2} {
		r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) { u.UploadBandwidth = 64 })
		r.write("f", strings.Repeat("new", 1<<20))
		r.write("g", "old")
		s := r.open()
		done := make(chan error, 1)
		go func() { done <- s.Copy(t.Context(), "/f", "/g") }()
		r.waitStaged()
		must(t, s.Close())
		if err := <-done; !errors.Is(err, session.ErrClosed) {
			t.Error(err)
		}
		if got := r.content("g"); got != "old" {
			t.Errorf("upload mode %d: %d bytes have replaced the old", mode, len(got))
		}
		if left := r.leftovers(); len(left) != 0 {
			t.Errorf("upload mode %d: %q", mode, left)
		}
	}
}

// waitStaged waits until some bytes of an upload have arrived.
func (r *rig) waitStaged() {
	r.t.Helper()
	for range 3000 {
		for _, name := range r.leftovers() {
			if info, err := os.Stat(name); err == nil && info.Size() > 0 {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("nothing arrives")
}
