package session_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

func TestLink(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaFiles, u.QuotaSize = 2, 100 })
	s := r.open()
	must(t, upload(s, "/a", "0123456789", put, nil), s.Mkdir(t.Context(), "/d"), s.Symlink(t.Context(), "a", "/link"))
	r.events()
	must(t, s.Link(t.Context(), "/a", "/d/b"))
	r.exact(100)
	for _, c := range []struct {
		old, new string
		want     error
	}{
		{"/a", "/d/b", vfs.ErrExist},
		{"/a", "/a", vfs.ErrExist},
		{"/a", "/d", vfs.ErrExist},
		{"/missing", "/x", vfs.ErrNotExist},
		{"/a", "/missing/x", vfs.ErrNotExist},
		{"/d", "/x", vfs.ErrIsDir},
		{"/link", "/x", vfs.ErrUnsupported},
		{"/a", "/", vfs.ErrPermission},
		{"/a", "../x", vfs.ErrName},
		{"../a", "/x", vfs.ErrName},
	} {
		if err := s.Link(t.Context(), c.old, c.new); !errors.Is(err, c.want) {
			t.Errorf("%s to %s: %v, want %v", c.old, c.new, err, c.want)
		}
	}
	if got := r.usage(); got != (dataprovider.Amount{Files: 1, Bytes: 10}) {
		t.Errorf("usage with two names is %v", got)
	}
	// What grows under one name grows once, and what goes first frees nothing.
	must(t, upload(s, "/d/b", "0123456789", vfs.Write, nil))
	r.exact(100)
	if r.content("a") != "01234567890123456789" {
		t.Errorf("the other name has %q", r.content("a"))
	}
	must(t, s.Remove(t.Context(), "/a"))
	r.exact(100)
	if got := r.usage(); got != (dataprovider.Amount{Files: 1, Bytes: 20}) {
		t.Errorf("usage with one name left is %v", got)
	}
	must(t, s.Remove(t.Context(), "/d/b"))
	r.exact(100)
	if got := r.usage(); !got.IsZero() {
		t.Errorf("usage is %v", got)
	}
	r.restart(session.Config{}, r.store)
	if n, err := r.manager.Recover(t.Context()); n != 0 || err != nil {
		t.Errorf("%d intentions are left, %v", n, err)
	}
}

// TestLinkedUsage: whatever is done to a file with two names, it counts once.
func TestLinkedUsage(t *testing.T) {
	grow := func(t *testing.T, s *session.Session, name string) {
		t.Helper()
		must(t, upload(s, name, "more", vfs.Write, nil))
	}
	for name, run := range map[string]func(t *testing.T, s *session.Session){
		"overwrite": func(t *testing.T, s *session.Session) { must(t, upload(s, "/b", "x", put, nil)) },
		"append":    func(t *testing.T, s *session.Session) { grow(t, s, "/a"); grow(t, s, "/b") },
		"truncate": func(t *testing.T, s *session.Session) {
			must(t, s.SetAttrs(t.Context(), "/b", vfs.Attrs{Size: ptr(int64(3))}))
		},
		"replace":     func(t *testing.T, s *session.Session) { must(t, s.Rename(t.Context(), "/c", "/a")); grow(t, s, "/b") },
		"rename":      func(t *testing.T, s *session.Session) { must(t, s.Rename(t.Context(), "/a", "/d")); grow(t, s, "/d") },
		"onto itself": func(t *testing.T, s *session.Session) { must(t, s.Rename(t.Context(), "/a", "/b")) },
		"copy":        func(t *testing.T, s *session.Session) { must(t, s.CopyTree(t.Context(), "/a", "/d")) },
		"third name": func(t *testing.T, s *session.Session) {
			must(t, s.Link(t.Context(), "/b", "/d"), s.Remove(t.Context(), "/a"))
		},
		"remove and grow": func(t *testing.T, s *session.Session) { must(t, s.Remove(t.Context(), "/a")); grow(t, s, "/b") },
		"two writers": func(t *testing.T, s *session.Session) {
			x, y := begin(t, s, "/a", inPlace), begin(t, s, "/b", inPlace)
			send(t, x, 30, 0)
			send(t, y, 60, 0)
			must(t, x.Close())
			send(t, y, 10, 60)
			must(t, y.Close())
		},
		"writers of which one cuts": func(t *testing.T, s *session.Session) {
			x, y := begin(t, s, "/a", inPlace), begin(t, s, "/b", inPlace)
			must(t, y.SetAttrs(t.Context(), vfs.Attrs{Size: ptr(int64(0))}), y.Close(), x.Close())
		},
		"removed under a writer": func(t *testing.T, s *session.Session) {
			x := begin(t, s, "/a", inPlace)
			send(t, x, 50, 0)
			must(t, s.Remove(t.Context(), "/a"))
			y := begin(t, s, "/b", inPlace)
			send(t, y, 60, 0)
			must(t, x.Close(), s.Remove(t.Context(), "/b"), y.Close())
		},
		"linked under a writer": func(t *testing.T, s *session.Session) {
			x := begin(t, s, "/c", inPlace)
			send(t, x, 50, 0)
			must(t, s.Link(t.Context(), "/c", "/d"), s.Remove(t.Context(), "/c"))
			send(t, x, 50, 50)
			must(t, x.Close())
		},
		"all removed": func(t *testing.T, s *session.Session) {
			must(t, s.Remove(t.Context(), "/a"), s.Remove(t.Context(), "/b"), s.Remove(t.Context(), "/c"))
		},
	} {
		for _, mode := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, session.Config{UploadMode: mode})
				s := r.open()
				must(t, upload(s, "/a", "0123456789", put, nil), upload(s, "/c", "other", put, nil), s.Link(t.Context(), "/a", "/b"))
				run(t, s)
				r.exact(0)
				before := r.usage()
				r.count()
				if after := r.usage(); before != after {
					t.Errorf("the scan makes %v of %v", after, before)
				}
			})
		}
	}
}

// TestLinkQuotaCannotBeGrown: removing the names of a file that has grown gives
// back what it took, not more.
func TestLinkQuotaCannotBeGrown(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 100 })
	s := r.open()
	for range 5 {
		must(t, upload(s, "/a", "", put, nil))
		for _, n := range []string{"/b", "/c", "/d"} {
			must(t, s.Link(t.Context(), "/a", n))
		}
		must(t, upload(s, "/b", string(make([]byte, 90)), vfs.Write, nil))
		for _, n := range []string{"/a", "/b", "/c", "/d"} {
			must(t, s.Remove(t.Context(), n))
		}
	}
	r.exact(100)
	if err := upload(s, "/a", string(make([]byte, 101)), put, nil); !errors.Is(err, session.ErrQuota) {
		t.Errorf("more than the quota: %v", err)
	}
}

func TestLinkPermissions(t *testing.T) {
	all := []string{"list", "download", "upload", "overwrite", "delete", "rename", "create_dirs", "create_symlinks", "chmod", "chown", "chtimes"}
	without := func(perm string) []string {
		var rest []string
		for _, p := range all {
			if p != perm {
				rest = append(rest, p)
			}
		}
		return rest
	}
	for _, c := range []struct {
		name     string
		from, to []string
		ok       bool
	}{
		{"all", all, all, true},
		{"source without list", without("list"), all, false},
		{"source without download", without("download"), all, false},
		{"target without upload", all, without("upload"), false},
		{"target without create_symlinks", all, without("create_symlinks"), false},
		{"source without upload", without("upload"), all, true},
		// The new name would be a way around.
		{"source may not be overwritten", without("overwrite"), all, false},
		{"source may not be deleted", without("delete"), all, false},
		{"source may not be renamed", without("rename"), all, false},
		{"source may not be chmodded", without("chmod"), all, false},
		{"source may not be chowned", without("chown"), all, false},
		{"source may not be touched", without("chtimes"), all, false},
		{"neither may be overwritten", without("overwrite"), without("overwrite"), true},
		{"target may less", all, []string{"upload", "create_symlinks"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) {
				u.Permissions = map[string][]string{"/": {"*"}, "/from": c.from, "/to": c.to}
			})
			r.write("from/f", "content")
			r.write("to/other", "")
			s := r.open()
			err := s.Link(t.Context(), "/from/f", "/to/f")
			if (err == nil) != c.ok || !c.ok && !errors.Is(err, vfs.ErrPermission) {
				t.Error(err)
			}
			_, serr := os.Lstat(filepath.Join(r.home, "to/f"))
			if (serr == nil) != c.ok {
				t.Errorf("afterwards: %v", serr)
			}
		})
	}
}

func TestLinkFilters(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.key"}}}
	})
	r.write("a.key", "secret")
	r.write("b", "content")
	s := r.open()
	for _, c := range [][2]string{{"/a.key", "/x"}, {"/b", "/x.key"}} {
		if err := s.Link(t.Context(), c[0], c[1]); !errors.Is(err, vfs.ErrPermission) {
			t.Errorf("%v: %v", c, err)
		}
	}
	must(t, s.Link(t.Context(), "/b", "/x"))
}

// TestLinkCrash: the file that was written when the server died has lost the name
// under which it was opened, and lives on under the other.
func TestLinkCrash(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	must(t, upload(s, "/a", "0123456789", put, nil), s.Link(t.Context(), "/a", "/b"))
	tr := begin(t, s, "/a", inPlace)
	send(t, tr, 50, 0)
	must(t, s.Remove(t.Context(), "/a"))
	send(t, tr, 70, 0)
	r.restart(session.Config{}, r.store)
	if n, err := r.manager.Recover(t.Context()); n != 1 || err != nil {
		t.Errorf("%d intentions, %v", n, err)
	}
	r.exact(0)
	if got := r.usage(); got != (dataprovider.Amount{Files: 1, Bytes: 70}) {
		t.Errorf("usage is %v", got)
	}
}
