package webdavd_test

import (
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// Overwrite F replaces nothing, also where the user may not look.
func TestOverwriteUnseen(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.Permissions["/box"] = []string{
			dataprovider.PermUpload, dataprovider.PermOverwrite, dataprovider.PermRename, dataprovider.PermCreateDirs,
		}
	})
	r.write("f", "new")
	r.write("d/f", "new")
	r.write("box/f", "old")
	r.write("box/d/f", "old")
	for _, method := range []string{"COPY", "MOVE"} {
		r.want(412, method, "/f", "", "Destination: @/box/f", "Overwrite: F")
		if got := r.content("box/f"); got != "old" {
			t.Errorf("%s: %q", method, got)
		}
	}
	r.want(412, "COPY", "/d", "", "Destination: @/box/d", "Overwrite: F")
	r.want(201, "COPY", "/f", "", "Destination: @/box/g", "Overwrite: F")
	if a, b := r.content("box/d/f"), r.content("box/g"); a != "old" || b != "new" {
		t.Errorf("%q and %q", a, b)
	}
}

// A collection that the user may not list replaces nothing: the copy would be empty. Nor
// does a file that is too large.
func TestCopyInVain(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.Permissions["/none"] = nil
		u.Filters.MaxUploadFileSize = 4
	})
	r.write("none/f", "secret")
	r.write("d/f", "old")
	r.want(403, "COPY", "/none", "", "Destination: @/d")
	r.write("large", "12345")
	r.want(507, "COPY", "/large", "", "Destination: @/d")
	if got := r.content("d/f"); got != "old" {
		t.Errorf("content %q", got)
	}
}
