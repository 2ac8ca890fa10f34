package webdavd_test

import (
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// TestGetDirect: a GET without conditions opens what it names without a look at it
// before; the answers, and what the log says, are those of any other.
func TestGetDirect(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/": {"*"}, "/shown": {"list"}, "/blind": {"download"}, "/none": {"upload"},
		}
	})
	for _, dir := range []string{"open", "shown", "blind", "none"} {
		r.write(dir+"/sub/f", "content")
		r.write(dir+"/f", "content")
	}
	for _, tt := range []struct {
		path    string
		status  int
		refused int // records of a refusal
	}{
		{"/open/f", 200, 0},
		{"/open/sub", 207, 1}, // a file was looked for first
		{"/open/sub/", 207, 0},
		{"/open/missing", 404, 1},
		{"/open/f/below", 404, 1},
		{"/shown/f", 403, 1},
		{"/shown/sub", 207, 1},
		{"/shown/sub/", 207, 0},
		{"/shown/missing", 404, 2},
		{"/blind/f", 200, 0},
		{"/blind/sub", 409, 2},
		{"/none/f", 403, 2},
		{"/none/sub", 403, 2},
	} {
		before := strings.Count(r.log.String(), " failed\"")
		got := r.call("GET", tt.path, "")
		if got.status != tt.status || tt.status == 200 && got.body != "content" {
			t.Errorf("%s: %d %q, want %d", tt.path, got.status, got.body, tt.status)
		}
		if n := strings.Count(r.log.String(), " failed\"") - before; n > tt.refused {
			t.Errorf("%s: %d records of a failure, want %d at most", tt.path, n, tt.refused)
		}
		// The same of who asks for a part, which is looked at first.
		if part := r.call("GET", tt.path, "", "Range: bytes=0-99"); part.status != tt.status && (part.status != 206 || tt.status != 200) {
			t.Errorf("%s: %d for a part, %d for the whole", tt.path, part.status, got.status)
		}
	}
}
