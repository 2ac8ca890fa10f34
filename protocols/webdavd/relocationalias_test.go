package webdavd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/protocols/session"
)

// A link makes two names of one collection. What replaces itself would be gone, and
// what is copied into itself would have no end.
func TestRelocationByAlias(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("real/x/f", "content")
	if err := os.Symlink("real", filepath.Join(r.home, "alias")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real/x", filepath.Join(r.home, "direct")); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"COPY", "MOVE"} {
		for _, ends := range [][2]string{
			{"/real/x", "/alias/x"}, {"/alias/x", "/real/x"}, {"/alias/x", "/real"}, {"/direct", "/real/x"}, {"/direct/f", "/alias/x"},
			{"/alias/x/f", "/real/x/f"}, {"/real/x", "/alias/x/in"}, {"/real/x", "/direct/in"}, {"/alias/x", "/real/x/in/"},
		} {
			r.want(http.StatusForbidden, method, ends[0], "", "Destination: @"+ends[1])
			if got := r.content("real/x/f"); got != "content" {
				t.Fatalf("%s %v: %q", method, ends, got)
			}
			if got := r.content("real/x/in/f"); got != "-" {
				t.Fatalf("%s %v: %q in itself", method, ends, got)
			}
		}
	}
	// A link is not what it leads to.
	r.want(http.StatusNoContent, "MOVE", "/real/x", "", "Destination: @/direct")
	if got := r.content("direct/f"); got != "content" {
		t.Errorf("moved: %q", got)
	}
}
