package vfstest

import (
	"io/fs"
	"strings"
	"time"

	"sftpgo/vfs"
)

func attrTests() []test {
	return []test{
		{"by name", attrsByName},
		{"of a directory", attrsOfDirectory},
		{"through a link", attrsThroughLink},
		{"refused", attrsRefused},
		{"by handle", attrsByHandle},
		{"by handle refused", attrsByHandleRefused},
		{"replacing keeps the mode", replaceKeepsMode},
	}
}

// setter applies attributes in one of the two ways.
type setter func(vfs.Attrs) error

func (t *tester) byName(name string) setter {
	t.Helper()
	a, ok := vfs.As[vfs.AttrSetter](t.fs)
	if !ok {
		t.Skip("the backend sets no attributes by name")
	}
	return func(attrs vfs.Attrs) error { return a.SetAttrs(t.Context(), name, attrs) }
}

func (t *tester) byHandle(f vfs.File) setter {
	t.Helper()
	a, ok := vfs.As[vfs.FileAttrSetter](f)
	if !ok {
		t.Skip("the backend sets no attributes by handle")
	}
	return func(attrs vfs.Attrs) error { return a.SetAttrs(t.Context(), attrs) }
}

func attrsByName(t *tester) {
	set := t.byName("/f")
	t.put("/f", "0123456789")
	t.changes(set, func() fs.FileInfo { return t.stat("/f") })
	t.has("/f", "0123456\x00\x00")
}

// changes sets each attribute by itself, then all, and looks at the result. It
// expects ten bytes and leaves seven of them and two zeros.
func (t *tester) changes(set setter, stat func() fs.FileInfo) {
	t.Helper()
	size := int64(7)
	t.noError("shrink", set(vfs.Attrs{Size: &size}))
	if got := stat().Size(); got != 7 {
		t.Errorf("size %d after shrinking, want 7", got)
	}
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o755, 0o400, 0o700} {
		t.noError("chmod", set(vfs.Attrs{Mode: &mode}))
		if got := stat().Mode(); got != mode {
			t.Errorf("mode %v, want %v", got, mode)
		}
	}
	special := fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o755
	t.noError("chmod with more than permissions", set(vfs.Attrs{Mode: &special}))
	if got := stat().Mode(); got != 0o755 {
		t.Errorf("mode %v, want only the permissions of %v", got, special)
	}
	mtime := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	atime := mtime.Add(time.Hour)
	t.noError("times", set(vfs.Attrs{Atime: &atime, Mtime: &mtime}))
	if got := stat().ModTime(); !got.Equal(mtime) {
		t.Errorf("mtime %v, want %v", got, mtime)
	}
	t.noError("atime alone", set(vfs.Attrs{Atime: &mtime}))
	if got := stat().ModTime(); !got.Equal(mtime) {
		t.Errorf("mtime %v after setting the other time, want %v", got, mtime)
	}
	none, later, mode := -1, mtime.Add(48*time.Hour), fs.FileMode(0o604)
	size = 9
	t.noError("all at once", set(vfs.Attrs{Size: &size, UID: &none, GID: &none, Mode: &mode, Atime: &later, Mtime: &later}))
	if fi := stat(); fi.Size() != 9 || fi.Mode() != mode || !fi.ModTime().Equal(later) {
		t.Errorf("all at once: %d %v %v", fi.Size(), fi.Mode(), fi.ModTime())
	}
	t.noError("nothing", set(vfs.Attrs{}))
	if fi := stat(); fi.Size() != 9 || fi.Mode() != mode || !fi.ModTime().Equal(later) {
		t.Errorf("nothing: %d %v %v", fi.Size(), fi.Mode(), fi.ModTime())
	}
}

func attrsOfDirectory(t *tester) {
	set := t.byName("/d")
	t.mkdir("/d")
	mode, mtime := fs.FileMode(0o750), time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	t.noError("mode and time", set(vfs.Attrs{Mode: &mode, Mtime: &mtime}))
	if fi := t.stat("/d"); fi.Mode().Perm() != mode || !fi.ModTime().Equal(mtime) {
		t.Errorf("%v %v", fi.Mode(), fi.ModTime())
	}
	size := int64(0)
	t.fails("size", set(vfs.Attrs{Size: &size}), vfs.ErrIsDir)
}

func attrsThroughLink(t *tester) {
	l, ok := vfs.As[vfs.Linker](t.fs)
	if !ok {
		t.Skip("the backend has no links")
	}
	set := t.byName("/link")
	t.put("/f", "0123456789")
	t.symlink(l, "f", "/link")
	size, mode, mtime := int64(3), fs.FileMode(0o640), time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	t.noError("set", set(vfs.Attrs{Size: &size, Mode: &mode, Mtime: &mtime}))
	t.isLink(l, "/link")
	if fi := t.stat("/f"); fi.Size() != 3 || fi.Mode() != mode || !fi.ModTime().Equal(mtime) {
		t.Errorf("%d %v %v", fi.Size(), fi.Mode(), fi.ModTime())
	}
	t.symlink(l, "missing", "/dangling")
	t.fails("dangling link", t.byName("/dangling")(vfs.Attrs{Mode: &mode}), vfs.ErrNotExist)
}

func attrsRefused(t *tester) {
	t.put("/f", "content")
	mode, size := fs.FileMode(0o600), int64(-1)
	t.fails("missing", t.byName("/missing")(vfs.Attrs{Mode: &mode}), vfs.ErrNotExist)
	t.fails("missing, nothing to set", t.byName("/missing")(vfs.Attrs{}), vfs.ErrNotExist)
	t.fails("below a file", t.byName("/f/x")(vfs.Attrs{Mode: &mode}), vfs.ErrNotDir, vfs.ErrNotExist)
	t.fails("negative size", t.byName("/f")(vfs.Attrs{Size: &size}), vfs.ErrUnsupported)
	t.has("/f", "content")
}

func attrsByHandle(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/f", mode)
		set := t.byHandle(f)
		t.write(f, "0123456789")
		t.changes(set, func() fs.FileInfo {
			fi, err := f.Stat()
			t.noError("stat", err)
			return fi
		})
		t.commit(f)
		if fi := t.stat("/f"); fi.Mode() != 0o604 || fi.ModTime().Year() != 2001 {
			t.Errorf("commit changed the attributes: %v %v", fi.Mode(), fi.ModTime())
		}
		later := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)
		t.noError("after commit", set(vfs.Attrs{Mtime: &later}))
		t.close(f)
		if fi := t.stat("/f"); !fi.ModTime().Equal(later) {
			t.Errorf("close changed the time: %v", fi.ModTime())
		}
		t.has("/f", "0123456\x00\x00")
		t.noError("remove", t.fs.Remove(t.Context(), "/f"))
	}
}

func attrsByHandleRefused(t *tester) {
	t.put("/f", "content")
	r := t.open("/f", vfs.Read)
	set := t.byHandle(r)
	size := int64(3)
	t.fails("size by a reader", set(vfs.Attrs{Size: &size}), vfs.ErrUnsupported)
	w := t.open("/f", vfs.Write|vfs.Create)
	size = -1
	t.fails("negative size", t.byHandle(w)(vfs.Attrs{Size: &size}), vfs.ErrUnsupported)
	size = 3
	t.commit(w)
	t.fails("size after commit", t.byHandle(w)(vfs.Attrs{Size: &size}), vfs.ErrUnsupported)
	t.has("/f", "content")
}

func replaceKeepsMode(t *tester) {
	set := t.byName("/f")
	t.put("/f", "old")
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o755, 0o666} {
		t.noError("chmod", set(vfs.Attrs{Mode: &mode}))
		f := t.open("/f", staged)
		fi, err := f.Stat()
		t.noError("stat", err)
		if fi.Mode().Perm()&^mode != 0 {
			t.Errorf("the staged file is %v, more open than %v", fi.Mode(), mode)
		}
		t.write(f, strings.Repeat("new", 3))
		t.commit(f)
		t.close(f)
		if got := t.stat("/f").Mode(); got != mode {
			t.Errorf("mode %v after replacing, want %v", got, mode)
		}
	}
}
