package tus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

// TestTarget: metadata says where the file goes, and never outside the home.
func TestTarget(t *testing.T) { eitherWay(t, testTarget) }

func testTarget(t *testing.T, r *rig) {
	if err := os.Mkdir(filepath.Join(r.home, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		fields []string
		status int
		at     string
	}{
		{[]string{"filename", "a.txt"}, 201, "a.txt"},
		{[]string{"name", "b.txt"}, 201, "b.txt"},
		{[]string{"dir", "in", "filename", "c.txt"}, 201, "in/c.txt"},
		{[]string{"dir", "/in/", "name", "d.txt"}, 201, "in/d.txt"},
		{[]string{"path", "/in/e.txt", "filename", "other"}, 201, "in/e.txt"},
		{[]string{"path", "in/./../in/f.txt"}, 201, "in/f.txt"},
		{[]string{"filename", "ü ñ.txt"}, 201, "ü ñ.txt"},
		{[]string{"filename", ".."}, 400, ""},
		{[]string{"filename", "../a"}, 400, ""},
		{[]string{"filename", "in/g"}, 400, ""},
		{[]string{"filename", "a\x00b"}, 400, ""},
		{[]string{"filename", ".sftpgo-upload.x"}, 400, ""},
		{[]string{"filename", ".uploads"}, 400, ""},
		{[]string{"path", "/../../etc/passwd"}, 400, ""},
		{[]string{"path", "/.uploads/x"}, 400, ""},
		{[]string{"path", "in/"}, 400, ""},
		{[]string{"path", "/"}, 400, ""},
		{[]string{"dir", "..", "filename", "x"}, 400, ""},
		{[]string{"dir", "in/../..", "filename", "x"}, 400, ""},
		{[]string{"path", "/none/x"}, 409, ""},
		{[]string{"path", "/a.txt/x"}, 409, ""},
		{[]string{"path", "/in"}, 409, ""},
	} {
		for _, body := range []string{"-", "abc"} { // whole, and in two requests
			got := r.call("POST", "/files", body, "Upload-Length: 3", metadata(tt.fields...))
			if got.status != tt.status {
				t.Errorf("%q: status %d %s", tt.fields, got.status, got.body)
				continue
			}
			if tt.status != 201 {
				continue
			}
			if body == "-" {
				r.patch(got.header.Get("Location"), 0, "abc")
			}
			if c := r.content(tt.at); c != "abc" {
				t.Errorf("%q: %q", tt.fields, c)
			}
		}
	}
	// Without a name it is the id.
	url := r.want(201, "POST", "/files", "abc", "Upload-Length: 3").header.Get("Location")
	if c := r.content(filepath.Base(url)); c != "abc" {
		t.Errorf("%s: %q", url, c)
	}
}

// eitherWay runs a test with hooks that are asked first, and without.
func eitherWay(t *testing.T, test func(t *testing.T, r *rig), change ...func(*tus.Config, *dataprovider.User)) {
	for name, unasked := range map[string]bool{"asked": false, "unasked": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change...)
			r.hooks.unasked = unasked
			test(t, r)
		})
	}
}

// TestRules: what a user may not do over other protocols it may not do here, at the
// beginning nor at the end.
func TestRules(t *testing.T) {
	eitherWay(t, testRules, func(_ *tus.Config, u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/": {"*"}, "/ro": {"list", "download"}, "/new": {"list", "upload"},
		}
		u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.exe"}}}
		u.Filters.MaxUploadFileSize = 100
	})
}

func testRules(t *testing.T, r *rig) {
	for _, dir := range []string{"ro", "new"} {
		if err := os.Mkdir(filepath.Join(r.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.home, "new/there"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"-", "abc"} {
		for path, status := range map[string]int{"/ro/f": 403, "/f.exe": 403, "/new/there": 409, "/new/f" + body: 201} {
			if got := r.call("POST", "/files", body, "Upload-Length: 3", metadata("path", path)); got.status != status {
				t.Errorf("%s: status %d, want %d", path, got.status, status)
			}
		}
	}
	r.want(507, "POST", "/files", "-", "Upload-Length: 101", metadata("filename", "big"))
	long := r.want(201, "POST", "/files", "-", "Upload-Defer-Length: 1", metadata("filename", "long")).header.Get("Location")
	r.want(507, "PATCH", long, "", "Upload-Offset: 0", "Upload-Length: 101")

	// The rules of the end: somebody else has made the file meanwhile.
	url := r.begin(3, "x", metadata("path", "/new/late"))
	if err := os.WriteFile(filepath.Join(r.home, "new/late"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(403, "PATCH", url, "abc", "Upload-Offset: 0")
	if c := r.content("new/late"); c != "old" {
		t.Errorf("overwritten: %q", c)
	}
	// When it has gone, a repeated last request is enough.
	if err := os.Remove(filepath.Join(r.home, "new/late")); err != nil {
		t.Fatal(err)
	}
	r.want(204, "PATCH", url, "", "Upload-Offset: 3")
	if c := r.content("new/late"); c != "abc" {
		t.Errorf("%q", c)
	}
}

// TestOwner: an upload is its owner's alone.
func TestOwner(t *testing.T) {
	r := newRig(t)
	r.addUser("bob", r.home) // even with the same home
	url := r.begin(3, "f")
	for _, method := range []string{"HEAD", "PATCH", "GET", "DELETE"} {
		if got := r.want(404, method, url, "abc", "Login: bob", "Upload-Offset: 0"); got.header.Get("Upload-Offset") != "" {
			t.Errorf("%s tells of it: %v", method, got.header)
		}
	}
	part := r.want(201, "POST", "/files", "abc", "Upload-Length: 3", "Upload-Concat: partial").header.Get("Location")
	r.want(404, "POST", "/files", "-", "Login: bob", "Upload-Concat: final;"+part)
	r.patch(url, 0, "abc")
	r.want(404, "GET", url, "-", "Login: bob")
}

// TestOverwrite: the file that is there is replaced in one step, and keeps its mode.
func TestOverwrite(t *testing.T) {
	r := newRig(t)
	at := filepath.Join(r.home, "f")
	if err := os.WriteFile(at, []byte("old content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.manager.Scan(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	url := r.begin(3, "f")
	r.patch(url, 0, "ab")
	if c := r.content("f"); c != "old content" {
		t.Errorf("%q", c)
	}
	r.patch(url, 2, "c")
	info, err := os.Stat(at)
	if err != nil || info.Mode().Perm() != 0o600 || r.content("f") != "abc" {
		t.Errorf("%v %v %q", info.Mode(), err, r.content("f"))
	}
	if u := r.usage(); u.Files != 1 || u.Bytes != 3 {
		t.Errorf("usage %v", u)
	}
}

// TestIDs: the id of an upload is a UUID that begins with the time, so that those that
// come later go to the end of the store.
func TestIDs(t *testing.T) {
	r := newRig(t)
	v7 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	last, seen := "", map[string]bool{}
	for range 20 {
		before := time.Now().UnixMilli()
		id := filepath.Base(r.want(201, "POST", "/files", "-", "Upload-Length: 3").header.Get("Location"))
		after := time.Now().UnixMilli()
		ms, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64)
		if !v7.MatchString(id) || seen[id] || err != nil || ms < before || ms > after || id[:13] < last {
			t.Errorf("id %q after %q, of %d, between %d and %d, %v", id, last, ms, before, after, err)
		}
		last, seen[id] = id[:13], true
	}
}
