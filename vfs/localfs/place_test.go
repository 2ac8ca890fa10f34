//go:build unix

package localfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

func TestResolve(t *testing.T) {
	fsys, home := open(t)
	must(t, errors.Join(os.MkdirAll(filepath.Join(home, "d/e"), 0o755), os.WriteFile(filepath.Join(home, "d/e/f"), nil, 0o644),
		os.Symlink("d/e", filepath.Join(home, "link")), os.Symlink("../f", filepath.Join(home, "d/e/up")),
		os.Symlink("link/f", filepath.Join(home, "file")), os.Symlink("link/new", filepath.Join(home, "dangling")),
		os.Symlink("loop", filepath.Join(home, "loop")), os.Symlink("../..", filepath.Join(home, "out")),
		os.Symlink("..", filepath.Join(home, "d/root"))))
	for name, want := range map[string]string{
		"/": "/", "/d": "/d", "/d/e/f": "/d/e/f", "/link": "/d/e", "/link/f": "/d/e/f", "/file": "/d/e/f",
		"/dangling": "/d/e/new", "/link/missing": "/d/e/missing", "/d/e/up": "/d/f", "/link/up": "/d/f",
		"/d/root": "/", "/d/root/link/f": "/d/e/f",
	} {
		if got, err := fsys.Resolve(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]error{
		"/missing/f": vfs.ErrNotExist, "/loop": vfs.ErrPermission, "/out": vfs.ErrPermission, "/out/f": vfs.ErrPermission,
	} {
		if got, err := fsys.Resolve(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("%s: %q, %v, want %v", name, got, err, want)
		}
	}
}

func TestPlace(t *testing.T) {
	fsys, home := open(t)
	must(t, errors.Join(os.MkdirAll(filepath.Join(home, "d/e"), 0o755), os.Symlink("d/e", filepath.Join(home, "link"))))
	place := func(f *localfs.FS, name string) string {
		t.Helper()
		p, err := f.Place(t.Context(), name)
		must(t, err)
		return p
	}
	f := place(fsys, "/d/e/f")
	inner := openAt(t, filepath.Join(home, "d"))
	if got := place(fsys, "/link/f"); got != f {
		t.Errorf("through a link: %q, want %q", got, f)
	}
	if got := place(inner, "/e/f"); got != f {
		t.Errorf("from a root within: %q, want %q", got, f)
	}
	if place(fsys, "/d/f") == f || place(fsys, "/d/e/g") == f || place(fsys, "/link") == place(fsys, "/d/e") {
		t.Error("two entries have one place")
	}
	must(t, fsys.Rename(t.Context(), "/d", "/moved"))
	if got := place(fsys, "/moved/e/f"); got != f {
		t.Errorf("after a move: %q, want %q", got, f)
	}
	if _, err := fsys.Place(t.Context(), "/d/e/f"); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("in a directory that has gone: %v", err)
	}
}

// TestReplaces: what Commit would replace is told also where the directory has
// moved to; Unlinked, when an open file has lost its name.
func TestReplaces(t *testing.T) {
	fsys, home := open(t)
	must(t, errors.Join(os.Mkdir(filepath.Join(home, "d"), 0o755), os.WriteFile(filepath.Join(home, "d/f"), []byte("old"), 0o644)))
	f := create(t, fsys, "/d/f", vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic)
	defer f.Close()
	must(t, fsys.Rename(t.Context(), "/d", "/e"))
	r := f.(vfs.Replacer)
	info, err := r.Replaces()
	if err != nil || info.Size() != 3 {
		t.Errorf("%v, %v", info, err)
	}
	old := create(t, fsys, "/e/f", vfs.Write)
	defer old.Close()
	must(t, f.Commit(t.Context()))
	if info, err := old.Stat(); err != nil || !vfs.Unlinked(info) {
		t.Errorf("the replaced file has a name: %v", err)
	}
	if info, err := f.Stat(); err != nil || vfs.Unlinked(info) {
		t.Errorf("the new file has none: %v", err)
	}
	if _, err := old.(vfs.Replacer).Replaces(); !errors.Is(err, vfs.ErrUnsupported) {
		t.Errorf("of a file that is not staged: %v", err)
	}
}
