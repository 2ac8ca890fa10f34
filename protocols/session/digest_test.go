package session_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

func TestDigest(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/": {"*"}, "/nolist": {"download"}, "/noload": {"list"}, "/ok": {"list", "download"},
		}
		u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.key"}}}
	})
	content := strings.Repeat("0123456", 100_000)
	for _, n := range []string{"f", "a.key", "nolist/f", "noload/f", "ok/f"} {
		r.write(n, content)
	}
	r.symlink("noload/f", "link")
	s := r.open()
	want := sha256.Sum256([]byte(content))
	for name, want2 := range map[string]error{
		"/f": nil, "/ok/f": nil, "/a.key": vfs.ErrPermission, "/nolist/f": vfs.ErrPermission, "/noload/f": vfs.ErrPermission,
		"/link": vfs.ErrPermission, "/missing": vfs.ErrNotExist, "/ok": vfs.ErrIsDir, "../f": vfs.ErrName,
	} {
		h := sha256.New()
		err := s.Digest(t.Context(), name, h)
		if !errors.Is(err, want2) {
			t.Errorf("%s: %v, want %v", name, err, want2)
		}
		if want2 == nil && string(h.Sum(nil)) != string(want[:]) {
			t.Errorf("%s: wrong hash", name)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Digest(gone, "/f", sha256.New()); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %v", err)
	}
	if got := r.events(); len(got) != 0 {
		t.Errorf("events %v", got)
	}
	s.Close()
	if err := s.Digest(t.Context(), "/f", sha256.New()); !errors.Is(err, session.ErrClosed) {
		t.Errorf("after the session has ended: %v", err)
	}
}

func TestTransferDigest(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "0123456789")
	s := r.open()
	tr, err := s.Download(t.Context(), "/f")
	must(t, err)
	for _, c := range []struct {
		off, n int64
		want   string
	}{{0, 0, "0123456789"}, {3, 4, "3456"}, {8, 0, "89"}, {8, 100, "89"}, {10, 0, ""}, {99, 5, ""}} {
		var got strings.Builder
		n, err := tr.Digest(t.Context(), &got, c.off, c.n)
		if got.String() != c.want || n != int64(len(c.want)) || err != nil {
			t.Errorf("%+v: %q %d %v", c, got.String(), n, err)
		}
	}
	for _, c := range [][2]int64{{-1, 0}, {0, -1}} {
		if _, err := tr.Digest(t.Context(), &strings.Builder{}, c[0], c[1]); !errors.Is(err, vfs.ErrUnsupported) {
			t.Errorf("%v: %v", c, err)
		}
	}
	p := make([]byte, 10)
	if _, err := tr.ReadAt(p, 0); err != nil {
		t.Error(err)
	}
	must(t, tr.Close())
	if got := r.events(); len(got) != 1 || got[0] != "download.done /f 1 10" { // what was read, not what was hashed
		t.Errorf("events %v", got)
	}
	up := begin(t, s, "/g", put)
	if _, err := up.Digest(t.Context(), &strings.Builder{}, 0, 0); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("of a write handle: %v", err)
	}
	must(t, up.Close())
}
