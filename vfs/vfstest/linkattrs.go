package vfstest

import (
	"io/fs"
	"time"

	"sftpgo/vfs"
)

func linkAttrTests() []test {
	return []test{
		{"of a link", linkAttrsOfLink},
		{"of what is no link", linkAttrsOfOthers},
		{"refused", linkAttrsRefused},
	}
}

func (t *tester) linkSetter(name string) setter {
	t.Helper()
	a, ok := vfs.As[vfs.LinkAttrSetter](t.fs)
	if !ok {
		t.Skip("the backend sets no attributes of links")
	}
	return func(attrs vfs.Attrs) error { return a.SetLinkAttrs(t.Context(), name, attrs) }
}

func linkAttrsOfLink(t *tester) {
	set := t.linkSetter("/link")
	l, ok := vfs.As[vfs.Linker](t.fs)
	if !ok {
		t.Skip("the backend has no links")
	}
	t.put("/f", "content")
	t.symlink(l, "f", "/link")
	t.symlink(l, "missing", "/dangling")
	before := t.stat("/f")
	mtime := time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC)
	for _, name := range []string{"/link", "/dangling"} {
		t.noError("mtime", t.linkSetter(name)(vfs.Attrs{Mtime: &mtime}))
		later := mtime.Add(time.Hour)
		t.noError("atime", t.linkSetter(name)(vfs.Attrs{Atime: &later}))
		if fi, err := l.Lstat(t.Context(), name); err != nil || !fi.ModTime().Equal(mtime) {
			t.Errorf("%s: mtime %v %v, want %v", name, fi.ModTime(), err, mtime)
		}
	}
	none := -1
	t.noError("no owner", set(vfs.Attrs{UID: &none, GID: &none}))
	mode := fs.FileMode(0o600)
	t.fails("mode", set(vfs.Attrs{Mode: &mode}), vfs.ErrUnsupported)
	now := time.Now()
	t.fails("mode and time", set(vfs.Attrs{Mode: &mode, Mtime: &now}), vfs.ErrUnsupported)
	if fi, err := l.Lstat(t.Context(), "/link"); err != nil || !fi.ModTime().Equal(mtime) {
		t.Errorf("what was refused has changed the time: %v %v", fi.ModTime(), err)
	}
	after := t.stat("/f")
	if !after.ModTime().Equal(before.ModTime()) || after.Mode() != before.Mode() {
		t.Errorf("the target has changed from %v %v to %v %v", before.Mode(), before.ModTime(), after.Mode(), after.ModTime())
	}
}

func linkAttrsOfOthers(t *tester) {
	t.linkSetter("/f")
	t.mkdir("/d")
	t.put("/d/f", "content")
	mtime := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, name := range []string{"/d/f", "/d", "/"} {
		for _, mode := range []fs.FileMode{0o700, 0o750} {
			t.noError("set", t.linkSetter(name)(vfs.Attrs{Mode: &mode, Mtime: &mtime}))
			if fi := t.stat(name); fi.Mode().Perm() != mode || !fi.ModTime().Equal(mtime) {
				t.Errorf("%s: %v %v", name, fi.Mode(), fi.ModTime())
			}
		}
	}
}

func linkAttrsRefused(t *tester) {
	set := t.linkSetter("/f")
	t.put("/f", "content")
	size, mode := int64(3), fs.FileMode(0o600)
	t.fails("size", set(vfs.Attrs{Size: &size}), vfs.ErrUnsupported)
	t.fails("missing", t.linkSetter("/missing")(vfs.Attrs{Mode: &mode}), vfs.ErrNotExist)
	t.fails("missing, nothing to set", t.linkSetter("/missing")(vfs.Attrs{}), vfs.ErrNotExist)
	t.has("/f", "content")
}
