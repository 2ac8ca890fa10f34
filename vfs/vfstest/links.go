package vfstest

import (
	"io/fs"
	"strings"

	"sftpgo/vfs"
)

func linkTests() []test {
	return []test{
		{"follow and not", linker(linkFollow)},
		{"text", linker(linkText)},
		{"absolute text", linker(linkAbsolute)},
		{"absolute text below a link", linker(linkAbsoluteBelowLink)},
		{"upload onto a link", linker(linkUpload)},
		{"upload onto a dangling link", linker(linkDangling)},
		{"exclusive onto a link", linker(linkExcl)},
		{"remove and rename", linker(linkRemove)},
		{"loop", linker(linkLoop)},
		{"outside", linker(linkOutside)},
		{"refused", linker(linkRefused)},
		{"list", linker(linkList)},
	}
}

func linker(run func(*tester, vfs.Linker)) func(*tester) {
	return func(t *tester) {
		l, ok := vfs.As[vfs.Linker](t.fs)
		if !ok {
			t.Skip("the backend has no links")
		}
		run(t, l)
	}
}

func (t *tester) symlink(l vfs.Linker, target, name string) {
	t.Helper()
	t.noError("symlink "+name, l.Symlink(t.Context(), target, name))
}

func (t *tester) reads(l vfs.Linker, name, want string) {
	t.Helper()
	got, err := l.Readlink(t.Context(), name)
	t.noError("readlink "+name, err)
	if got != want {
		t.Errorf("%s reads %q, want %q", name, got, want)
	}
}

func (t *tester) isLink(l vfs.Linker, name string) {
	t.Helper()
	fi, err := l.Lstat(t.Context(), name)
	t.noError("lstat "+name, err)
	if fi.Mode().Type() != fs.ModeSymlink {
		t.Errorf("%s is %v, want a link", name, fi.Mode())
	}
}

func linkFollow(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	t.put("/d/f", "content")
	t.symlink(l, "d/f", "/link")
	t.symlink(l, "d", "/dir")
	t.isLink(l, "/link")
	t.isLink(l, "/dir")
	if fi := t.stat("/link"); fi.Size() != 7 || !fi.Mode().IsRegular() || fi.Name() != "link" {
		t.Errorf("stat: %q %d %v", fi.Name(), fi.Size(), fi.Mode())
	}
	t.has("/link", "content")
	t.has("/dir/f", "content")
	t.lists("/dir", "f")
	if a, b := vfs.FileIDOf(t.stat("/link")), vfs.FileIDOf(t.stat("/d/f")); a != b {
		t.Errorf("identity through the link %q, of the file %q", a, b)
	}
	fi, err := l.Lstat(t.Context(), "/d/f")
	if err != nil || !fi.Mode().IsRegular() {
		t.Errorf("lstat of a file: %v %v", fi, err)
	}
	_, err = l.Lstat(t.Context(), "/missing")
	t.fails("lstat", err, vfs.ErrNotExist)
}

func linkText(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	for name, text := range map[string]string{
		"/a": "d", "/b": "./d/../d", "/c": "missing", "/d/x": "../missing/", "/e": " ", "/f": "é\n", "/g": "../../../etc/passwd",
	} {
		t.symlink(l, text, name)
		t.reads(l, name, text)
	}
}

func linkAbsolute(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	t.mkdir("/d/e")
	t.put("/f", "content")
	t.symlink(l, "/f", "/top")
	t.symlink(l, "/f", "/d/e/deep")
	t.symlink(l, "//d/.././f", "/d/unclean")
	t.symlink(l, "/", "/d/e/root")
	t.symlink(l, "/", "/self")
	t.has("/top", "content")
	t.has("/d/e/deep", "content")
	t.has("/d/unclean", "content")
	t.has("/d/e/root/f", "content")
	t.has("/self/f", "content")
	text, err := l.Readlink(t.Context(), "/d/e/deep")
	t.noError("readlink", err)
	if strings.HasPrefix(text, "/") && text != "/f" {
		t.Errorf("the text %q is absolute somewhere else", text)
	}
}

// linkAbsoluteBelowLink: ".." counts from where the link really is.
func linkAbsoluteBelowLink(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	t.mkdir("/d/e")
	t.put("/f", "content")
	t.symlink(l, "d/e", "/short")
	t.symlink(l, "/f", "/short/link")
	t.has("/short/link", "content")
	t.has("/d/e/link", "content")
}

func linkUpload(t *tester, l vfs.Linker) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		t.mkdir("/d")
		t.put("/d/f", "old")
		t.symlink(l, "d/f", "/one")
		t.symlink(l, "../one", "/d/two")
		f := t.open("/d/two", mode)
		t.write(f, "new")
		t.commit(f)
		t.close(f)
		t.isLink(l, "/one")
		t.isLink(l, "/d/two")
		t.has("/d/f", "new")
		t.lists("/", "d", "one")
		t.lists("/d", "f", "two")
		removeAll(t, "/d")
		removeAll(t, "/")
	}
}

func linkDangling(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	for _, mode := range []vfs.Mode{inPlace, staged} {
		t.symlink(l, "d/new", "/link")
		f := t.open("/link", mode)
		t.write(f, "content")
		t.commit(f)
		t.close(f)
		t.isLink(l, "/link")
		t.has("/d/new", "content")
		t.noError("remove", t.fs.Remove(t.Context(), "/d/new"))
		t.missing("/link")
		t.noError("remove", t.fs.Remove(t.Context(), "/link"))
		for _, text := range []string{"missing/new", "missing/..", "missing/.", "missing/"} {
			t.symlink(l, text, "/link")
			_, err := t.fs.Open(t.Context(), "/link", mode)
			t.fails("link to "+text, err, vfs.ErrNotExist, vfs.ErrIsDir)
			t.noError("remove", t.fs.Remove(t.Context(), "/link"))
		}
		t.lists("/", "d")
		t.lists("/d")
	}
}

func linkExcl(t *tester, l vfs.Linker) {
	t.symlink(l, "missing", "/link")
	for _, mode := range []vfs.Mode{inPlace | vfs.Excl, staged | vfs.Excl} {
		_, err := t.fs.Open(t.Context(), "/link", mode)
		t.fails("open", err, vfs.ErrExist)
	}
	t.lists("/", "link")
}

func linkRemove(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	t.put("/d/f", "content")
	t.symlink(l, "d", "/dir")
	t.symlink(l, "d/f", "/file")
	t.symlink(l, "missing", "/dangling")
	t.noError("rename a link", t.fs.Rename(t.Context(), "/file", "/renamed"))
	t.isLink(l, "/renamed")
	t.has("/renamed", "content")
	t.put("/new", "new")
	t.noError("rename onto a link", t.fs.Rename(t.Context(), "/new", "/renamed"))
	t.has("/renamed", "new")
	t.has("/d/f", "content")
	for _, n := range []string{"/dir", "/dangling"} {
		t.noError("remove "+n, t.fs.Remove(t.Context(), n))
	}
	t.has("/d/f", "content")
	t.lists("/", "d", "renamed")
}

func linkLoop(t *tester, l vfs.Linker) {
	t.symlink(l, "b", "/a")
	t.symlink(l, "a", "/b")
	t.symlink(l, "self/x", "/self")
	for _, n := range []string{"/a", "/self", "/a/x"} {
		_, err := t.fs.Stat(t.Context(), n)
		t.fails("stat", err, vfs.ErrPermission)
		for _, mode := range []vfs.Mode{vfs.Read, inPlace, staged} {
			_, err := t.fs.Open(t.Context(), n, mode)
			t.fails("open", err, vfs.ErrPermission)
		}
	}
	t.noError("remove", t.fs.Remove(t.Context(), "/a"))
}

// linkOutside: whatever leads out of the root is refused, existing or not.
func linkOutside(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	up := strings.Repeat("../", 30)
	links := map[string]string{
		"/a": "..", "/b": "../", "/c": up + "etc/passwd", "/d/e": "../../x", "/f": "d/../../x", "/g": "a/x", "/h": up + "tmp/new/", "/i": "./..",
	}
	for name, text := range links {
		t.symlink(l, text, name)
	}
	for name, text := range links {
		for _, n := range []string{name, name + "/x"} {
			_, err := t.fs.Stat(t.Context(), n)
			t.fails("stat "+text, err, vfs.ErrPermission)
			for _, mode := range []vfs.Mode{vfs.Read, inPlace, staged} {
				_, err := t.fs.Open(t.Context(), n, mode)
				t.fails("open "+text, err, vfs.ErrPermission)
			}
		}
		t.fails("mkdir below "+text, t.fs.Mkdir(t.Context(), name+"/x"), vfs.ErrPermission)
		t.fails("remove below "+text, t.fs.Remove(t.Context(), name+"/x"), vfs.ErrPermission)
		t.fails("rename to below "+text, t.fs.Rename(t.Context(), "/d", name+"/x"), vfs.ErrPermission)
		for _, err := range t.fs.List(t.Context(), name) {
			t.fails("list "+text, err, vfs.ErrPermission)
		}
		if a, ok := vfs.As[vfs.AttrSetter](t.fs); ok {
			mode := fs.FileMode(0o777)
			t.fails("chmod "+text, a.SetAttrs(t.Context(), name, vfs.Attrs{Mode: &mode}), vfs.ErrPermission)
		}
		if m, ok := vfs.As[vfs.Measurer](t.fs); ok {
			_, err := m.Space(t.Context(), name)
			t.fails("space "+text, err, vfs.ErrPermission)
		}
	}
}

func linkRefused(t *tester, l vfs.Linker) {
	ctx := t.Context()
	t.put("/f", "content")
	t.fails("existing file", l.Symlink(ctx, "x", "/f"), vfs.ErrExist)
	t.fails("root", l.Symlink(ctx, "x", "/"), vfs.ErrExist)
	t.fails("missing parent", l.Symlink(ctx, "x", "/missing/l"), vfs.ErrNotExist)
	t.fails("missing parent of an absolute link", l.Symlink(ctx, "/x", "/missing/l"), vfs.ErrNotExist)
	t.fails("empty text", l.Symlink(ctx, "", "/l"), vfs.ErrName)
	t.fails("NUL", l.Symlink(ctx, "a\x00b", "/l"), vfs.ErrName)
	t.fails("too long", l.Symlink(ctx, strings.Repeat("x/", 5000), "/l"), vfs.ErrName)
	t.fails("absolute above the root", l.Symlink(ctx, "/../x", "/l"), vfs.ErrName)
	t.fails("staged upload", l.Symlink(ctx, "/"+vfs.StagingPrefix+"x", "/l"), vfs.ErrName)
	_, err := l.Readlink(ctx, "/f")
	t.fails("readlink of a file", err, vfs.ErrUnsupported)
	_, err = l.Readlink(ctx, "/missing")
	t.fails("readlink", err, vfs.ErrNotExist)
	t.lists("/", "f")
}

func linkList(t *tester, l vfs.Linker) {
	t.mkdir("/d")
	t.symlink(l, "d", "/link")
	t.symlink(l, "missing", "/dangling")
	for fi, err := range t.fs.List(t.Context(), "/") {
		t.noError("list", err)
		if want := fi.Name() != "d"; (fi.Mode().Type() == fs.ModeSymlink) != want {
			t.Errorf("%s is %v", fi.Name(), fi.Mode())
		}
	}
	t.lists("/", "d", "link", "dangling")
}
