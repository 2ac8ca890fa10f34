package session_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// times are the two times of what lies at name, links not followed.
func (r *rig) times(name string) (atime, mtime time.Time) {
	r.t.Helper()
	info, err := os.Lstat(filepath.Join(r.home, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return time.Unix(info.Sys().(*syscall.Stat_t).Atim.Unix()), info.ModTime()
}

// TestSetAttrs in the four ways: by name, by the handle of a reader and of a writer,
// and without following.
func TestSetAttrs(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode})
		s := r.open()
		reader := func(t *testing.T) (func(vfs.Attrs) error, func() error) {
			tr, err := s.Download(t.Context(), "/f")
			must(t, err)
			return func(a vfs.Attrs) error { return tr.SetAttrs(t.Context(), a) }, tr.Close
		}
		writer := func(m vfs.Mode) func(t *testing.T) (func(vfs.Attrs) error, func() error) {
			return func(t *testing.T) (func(vfs.Attrs) error, func() error) {
				tr := begin(t, s, "/f", m)
				send(t, tr, 10, 0)
				return func(a vfs.Attrs) error { return tr.SetAttrs(t.Context(), a) }, tr.Close
			}
		}
		nothing := func() error { return nil }
		for name, open := range map[string]func(t *testing.T) (func(vfs.Attrs) error, func() error){
			"name": func(t *testing.T) (func(vfs.Attrs) error, func() error) {
				return func(a vfs.Attrs) error { return s.SetAttrs(t.Context(), "/f", a) }, nothing
			},
			"link": func(t *testing.T) (func(vfs.Attrs) error, func() error) {
				return func(a vfs.Attrs) error { return s.SetLinkAttrs(t.Context(), "/f", a) }, nothing
			},
			"reader": reader, "writer": writer(put), "writer in place": writer(inPlace),
		} {
			t.Run(fmt.Sprintf("mode %d %s", mode, name), func(t *testing.T) {
				r.write("f", "0123456789")
				set, end := open(t)
				first, second := time.Unix(1000000000, 0), time.Unix(1100000000, 0)
				perm := fs.ModeSetuid | 0o640
				must(t, set(vfs.Attrs{Mode: &perm}), set(vfs.Attrs{Mtime: &first}), set(vfs.Attrs{Atime: &second}), end())
				atime, mtime := r.times("f")
				if !atime.Equal(second) || !mtime.Equal(first) {
					t.Errorf("atime %v, mtime %v", atime, mtime)
				}
				info, err := s.Stat(t.Context(), "/f")
				must(t, err)
				if info.Mode() != 0o640 {
					t.Errorf("mode %v", info.Mode())
				}
				all := fs.FileMode(0o400)
				set, end = open(t)
				must(t, set(vfs.Attrs{Mode: &all, Atime: &first, Mtime: &second}), end())
				if atime, mtime = r.times("f"); !atime.Equal(first) || !mtime.Equal(second) {
					t.Errorf("all at once: atime %v, mtime %v", atime, mtime)
				}
			})
		}
	}
}

func TestSetAttrsByReader(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"*"}, "/ro": {"list", "download"}}
	})
	r.write("a", "content")
	r.write("ro/f", "content")
	s := r.open()
	tr, err := s.Download(t.Context(), "/a")
	must(t, err)
	size, mode := int64(3), fs.FileMode(0o600)
	if err := tr.SetAttrs(t.Context(), vfs.Attrs{Size: &size, Mode: &mode}); !errors.Is(err, vfs.ErrUnsupported) {
		t.Errorf("size: %v", err)
	}
	// By handle, whatever the name is by now.
	must(t, s.Rename(t.Context(), "/a", "/b"))
	r.write("a", "other")
	must(t, tr.SetAttrs(t.Context(), vfs.Attrs{Mode: &mode}), tr.Close())
	for name, want := range map[string]fs.FileMode{"/b": 0o600, "/a": 0o644} {
		if info, err := s.Stat(t.Context(), name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	tr, err = s.Download(t.Context(), "/ro/f")
	must(t, err)
	if err := tr.SetAttrs(t.Context(), vfs.Attrs{Mode: &mode}); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("without the permission: %v", err)
	}
	must(t, tr.Close())
}

func TestSetLinkAttrs(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"*"}, "/ro": {"list", "download"}}
	})
	r.write("f", "content")
	r.write("ro/f", "content")
	r.symlink("f", "link")
	r.symlink("../f", "ro/link")
	r.symlink("ro/f", "toro")
	r.symlink("ro", "rodir")
	s := r.open()
	_, before := r.times("f")
	when := time.Unix(1000000000, 0)
	must(t, s.SetLinkAttrs(t.Context(), "/link", vfs.Attrs{Mtime: &when}))
	if _, mtime := r.times("link"); !mtime.Equal(when) {
		t.Errorf("mtime of the link %v", mtime)
	}
	if _, mtime := r.times("f"); !mtime.Equal(before) {
		t.Errorf("the target was changed: %v", mtime)
	}
	// The rules are those of the link, wherever it leads.
	must(t, s.SetLinkAttrs(t.Context(), "/toro", vfs.Attrs{Mtime: &when}))
	size, mode := int64(3), fs.FileMode(0o600)
	for _, c := range []struct {
		name string
		a    vfs.Attrs
		want error
	}{
		{"/ro/link", vfs.Attrs{Mtime: &when}, vfs.ErrPermission},
		{"/rodir/link", vfs.Attrs{Mtime: &when}, vfs.ErrPermission},
		{"/link", vfs.Attrs{Size: &size}, vfs.ErrUnsupported},
		{"/f", vfs.Attrs{Size: &size}, vfs.ErrUnsupported},
		{"/link", vfs.Attrs{Mode: &mode}, vfs.ErrUnsupported},
		{"/missing", vfs.Attrs{Mode: &mode}, vfs.ErrNotExist},
	} {
		if err := s.SetLinkAttrs(t.Context(), c.name, c.a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestStatOfUpload: the session that uploads sees what has arrived, others what was
// there.
func TestStatOfUpload(t *testing.T) {
	for mode := range 3 {
		for _, old := range []string{"", "0123456789abcdef"} {
			t.Run(fmt.Sprintf("mode %d, %d bytes before", mode, len(old)), func(t *testing.T) {
				r := newRig(t, session.Config{UploadMode: mode})
				mine, other := r.open(), r.open()
				if old != "" {
					must(t, upload(mine, "/f", old, put, nil))
				}
				tr := begin(t, mine, "/f", put)
				for _, n := range []int{5, 12} {
					send(t, tr, n, 0)
					for name, stat := range map[string]func() (fs.FileInfo, error){
						"stat":  func() (fs.FileInfo, error) { return mine.Stat(t.Context(), "/f") },
						"lstat": func() (fs.FileInfo, error) { return mine.Lstat(t.Context(), "/f") },
						"fstat": tr.Stat,
					} {
						info, err := stat()
						must(t, err)
						if info.Size() != int64(n) || info.Name() != "f" || !info.Mode().IsRegular() {
							t.Errorf("%s after %d bytes: %q %d %v", name, n, info.Name(), info.Size(), info.Mode())
						}
					}
					info, err := other.Stat(t.Context(), "/f")
					switch {
					case mode == 0: // in place: everybody sees it
						must(t, err)
						if info.Size() != int64(n) {
							t.Errorf("others see %d bytes", info.Size())
						}
					case old == "":
						if !errors.Is(err, vfs.ErrNotExist) {
							t.Errorf("others see %v %v", info, err)
						}
					default:
						must(t, err)
						if info.Size() != int64(len(old)) {
							t.Errorf("others see %d bytes", info.Size())
						}
					}
				}
				must(t, tr.Close())
				if info, err := other.Stat(t.Context(), "/f"); err != nil || info.Size() != 12 {
					t.Errorf("afterwards: %v %v", info, err)
				}
			})
		}
	}
}

func TestSync(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode})
		s := r.open()
		if c := s.Capabilities(); c != (session.Capabilities{Symlinks: true, HardLinks: true, Attrs: true, LinkAttrs: true, Space: true, Sync: true}) {
			t.Errorf("capabilities %+v", c)
		}
		tr := begin(t, s, "/f", put)
		send(t, tr, 5, 0)
		must(t, tr.Sync(t.Context()))
		if _, err := os.Lstat(filepath.Join(r.home, "f")); (err == nil) != (mode == 0) {
			t.Errorf("mode %d: sync has published: %v", mode, err)
		}
		send(t, tr, 5, 5)
		must(t, tr.Sync(t.Context()), tr.Close())
		if err := tr.Sync(t.Context()); err == nil {
			t.Error("sync after close: no error")
		}
		down, err := s.Download(t.Context(), "/f")
		must(t, err, down.Sync(t.Context()), down.Close())
	}
	r := newRig(t, session.Config{})
	r.plain = true
	r.restart(session.Config{}, r.store)
	tr := begin(t, r.open(), "/f", put)
	if err := tr.Sync(t.Context()); !errors.Is(err, vfs.ErrUnsupported) {
		t.Errorf("storage that cannot: %v", err)
	}
	must(t, tr.Close()) // that it cannot is no failure of the upload
}
