package webdavd_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// The time that a client sends along is that of the file, in both ways of writing, and
// the validator told is that of the file as it is then.
func TestClientTime(t *testing.T) {
	for _, mode := range []int{0, 1} {
		r := newRig(t, session.Config{UploadMode: mode})
		for header, want := range map[string]int64{"1500000000": 1500000000, "1500000001.75": 1500000001, "0": 0} {
			got := r.want(201, "PUT", "/f", "x", "X-OC-Mtime: "+header)
			if got.header.Get("X-OC-Mtime") != "accepted" {
				t.Errorf("%s is not accepted", header)
			}
			if seen := r.modified("f"); seen != want {
				t.Errorf("%s: the time is %d", header, seen)
			}
			r.want(304, "GET", "/f", "", "If-None-Match: "+got.header.Get("ETag"))
			r.want(204, "DELETE", "/f", "")
		}
		for _, header := range []string{"", "yesterday", "-5", "NaN", "1e300"} {
			if got := r.want(201, "PUT", "/f", "x", "X-OC-Mtime: "+header); got.header.Get("X-OC-Mtime") != "" {
				t.Errorf("%q is accepted", header)
			}
			if seen := time.Unix(r.modified("f"), 0); time.Since(seen) > time.Hour {
				t.Errorf("%q: the time is %v", header, seen)
			}
			r.want(204, "DELETE", "/f", "")
		}
	}
}

func TestClientTimeNotAllowed(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) {
		u.Permissions["/"] = []string{dataprovider.PermList, dataprovider.PermUpload}
	})
	if got := r.want(201, "PUT", "/f", "x", "X-OC-Mtime: 1500000000"); got.header.Get("X-OC-Mtime") != "" {
		t.Error("it is accepted")
	}
	if seen := time.Unix(r.modified("f"), 0); time.Since(seen) > time.Hour {
		t.Errorf("the time is %v", seen)
	}
}

func (r *rig) modified(name string) int64 {
	r.t.Helper()
	info, err := os.Stat(filepath.Join(r.home, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return info.ModTime().Unix()
}
