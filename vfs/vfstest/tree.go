package vfstest

import (
	"io/fs"
	"strings"

	"sftpgo/vfs"
)

func treeTests() []test {
	return []test{
		{"root", rootOperations},
		{"mkdir", mkdirs},
		{"open fails", openFails},
		{"stat", stats},
		{"remove", removes},
		{"rename", renames},
		{"rename over a file", renameOver},
		{"rename refused", renameRefused},
		{"rename a tree", renameTree},
		{"odd names", oddNames},
		{"name too long", nameTooLong},
		{"closed storage", closedStorage},
	}
}

func rootOperations(t *tester) {
	ctx := t.Context()
	if fi := t.stat("/"); !fi.IsDir() || fi.Name() != "/" {
		t.Errorf("stat: %q %v", fi.Name(), fi.Mode())
	}
	t.lists("/")
	t.fails("mkdir", t.fs.Mkdir(ctx, "/"), vfs.ErrExist)
	t.fails("remove", t.fs.Remove(ctx, "/"), vfs.ErrPermission)
	t.fails("rename away", t.fs.Rename(ctx, "/", "/x"), vfs.ErrPermission)
	t.mkdir("/d")
	t.fails("rename onto", t.fs.Rename(ctx, "/d", "/"), vfs.ErrExist)
	for _, mode := range []vfs.Mode{vfs.Read, inPlace, staged} {
		_, err := t.fs.Open(ctx, "/", mode)
		t.fails("open", err, vfs.ErrIsDir)
	}
}

func mkdirs(t *tester) {
	t.mkdir("/d")
	t.mkdir("/d/e")
	if fi := t.stat("/d/e"); !fi.IsDir() || fi.Name() != "e" {
		t.Errorf("stat: %q %v", fi.Name(), fi.Mode())
	}
	t.put("/f", "")
	t.fails("existing directory", t.fs.Mkdir(t.Context(), "/d"), vfs.ErrExist)
	t.fails("existing file", t.fs.Mkdir(t.Context(), "/f"), vfs.ErrExist)
	t.fails("missing parent", t.fs.Mkdir(t.Context(), "/x/y"), vfs.ErrNotExist)
	t.fails("below a file", t.fs.Mkdir(t.Context(), "/f/y"), vfs.ErrNotDir)
	t.lists("/", "d", "f")
}

func openFails(t *tester) {
	t.put("/f", "content")
	t.mkdir("/d")
	for _, mode := range []vfs.Mode{vfs.Read, inPlace, staged} {
		_, err := t.fs.Open(t.Context(), "/d", mode)
		t.fails("directory", err, vfs.ErrIsDir)
		_, err = t.fs.Open(t.Context(), "/x/y", mode)
		t.fails("missing parent", err, vfs.ErrNotExist)
		_, err = t.fs.Open(t.Context(), "/f/y", mode)
		t.fails("below a file", err, vfs.ErrNotDir, vfs.ErrNotExist)
	}
	_, err := t.fs.Open(t.Context(), "/missing", vfs.Read)
	t.fails("read a missing file", err, vfs.ErrNotExist)
	if !strings.Contains(err.Error(), "/missing") {
		t.Errorf("%v does not name the file", err)
	}
	_, err = t.fs.Open(t.Context(), "/missing", vfs.Write)
	t.fails("write a missing file without Create", err, vfs.ErrNotExist, vfs.ErrUnsupported)
	t.lists("/", "d", "f")
}

func stats(t *tester) {
	t.put("/f", "content")
	t.missing("/missing")
	t.missing("/missing/too")
	_, err := t.fs.Stat(t.Context(), "/f/y")
	t.fails("below a file", err, vfs.ErrNotDir, vfs.ErrNotExist)
	if fi := t.stat("/f"); fi.ModTime().IsZero() {
		t.Error("no time")
	}
}

func removes(t *tester) {
	ctx := t.Context()
	t.mkdir("/d")
	t.put("/d/f", "content")
	t.fails("directory that is not empty", t.fs.Remove(ctx, "/d"), vfs.ErrNotEmpty)
	t.has("/d/f", "content")
	t.noError("file", t.fs.Remove(ctx, "/d/f"))
	t.missing("/d/f")
	t.noError("empty directory", t.fs.Remove(ctx, "/d"))
	t.missing("/d")
	t.fails("missing", t.fs.Remove(ctx, "/d"), vfs.ErrNotExist)
	t.fails("missing parent", t.fs.Remove(ctx, "/d/f"), vfs.ErrNotExist)
	t.put("/f", "")
	t.fails("below a file", t.fs.Remove(ctx, "/f/y"), vfs.ErrNotDir, vfs.ErrNotExist)
}

func renames(t *tester) {
	t.put("/a", "content")
	t.mkdir("/d")
	t.noError("file", t.fs.Rename(t.Context(), "/a", "/d/b"))
	t.missing("/a")
	t.has("/d/b", "content")
	t.noError("empty directory", func() error {
		t.mkdir("/e")
		return t.fs.Rename(t.Context(), "/e", "/d/e")
	}())
	t.lists("/d", "b", "e")
	t.noError("onto itself", t.fs.Rename(t.Context(), "/d/b", "/d/b"))
	t.has("/d/b", "content")
}

func renameOver(t *tester) {
	t.put("/a", "new")
	t.put("/b", "old content")
	r := t.open("/b", vfs.Read)
	t.noError("rename", t.fs.Rename(t.Context(), "/a", "/b"))
	t.has("/b", "new")
	t.lists("/", "b")
	p := make([]byte, 3)
	if n, err := r.ReadAt(p, 0); err != nil || string(p[:n]) != "old" {
		t.Errorf("the reader of the replaced file got %q, %v", p[:n], err)
	}
}

func renameRefused(t *tester) {
	ctx := t.Context()
	t.put("/a", "content")
	t.mkdir("/empty")
	t.mkdir("/full")
	t.put("/full/f", "f")
	t.fails("missing", t.fs.Rename(ctx, "/x", "/y"), vfs.ErrNotExist)
	t.fails("to a missing parent", t.fs.Rename(ctx, "/a", "/x/y"), vfs.ErrNotExist)
	t.fails("below a file", t.fs.Rename(ctx, "/full/f", "/a/y"), vfs.ErrNotDir)
	t.fails("file onto an empty directory", t.fs.Rename(ctx, "/a", "/empty"), vfs.ErrExist)
	t.fails("file onto a full directory", t.fs.Rename(ctx, "/a", "/full"), vfs.ErrExist)
	t.fails("directory onto an empty directory", t.fs.Rename(ctx, "/full", "/empty"), vfs.ErrExist)
	t.fails("directory onto a full directory", t.fs.Rename(ctx, "/empty", "/full"), vfs.ErrExist)
	t.fails("directory onto a file", t.fs.Rename(ctx, "/full", "/a"), vfs.ErrNotDir, vfs.ErrExist)
	t.fails("directory into itself", t.fs.Rename(ctx, "/full", "/full/sub"), vfs.ErrName)
	t.lists("/", "a", "empty", "full")
	t.has("/a", "content")
	t.has("/full/f", "f")
}

func renameTree(t *tester) {
	t.mkdir("/d")
	t.mkdir("/d/e")
	t.put("/d/e/f", "content")
	if err := t.fs.Rename(t.Context(), "/d", "/n"); err != nil {
		// Object stores have no rename; they may refuse a tree.
		t.fails("rename a tree", err, vfs.ErrUnsupported)
		t.has("/d/e/f", "content")
		return
	}
	t.missing("/d")
	t.has("/n/e/f", "content")
}

// oddNames are names that clients do send and that some layer may take for
// something else.
func oddNames(t *tester) {
	names := []string{
		" ", "a b", "-rf", "$(id)", "a;b", `quo"te`, "new\nline", "Icon\r", "tab\t", "*", "?", "%2e%2e", "~", "#1", "&",
		"...", "..a", "a..", ".hidden", "é", "e\u0301", "漢字", "🙂", "CON", "'", "a:b", `back\slash`, "\x01", "\u202egnp",
	}
	for _, n := range names {
		f, err := t.fs.Open(t.Context(), "/"+n, staged)
		t.noError("create "+n, err)
		t.write(f, n)
		t.commit(f)
		t.close(f)
	}
	t.lists("/", names...)
	for _, n := range names {
		t.has("/"+n, n)
		if fi := t.stat("/" + n); fi.Name() != n {
			t.Errorf("stat of %q names %q", n, fi.Name())
		}
		t.noError("remove "+n, t.fs.Remove(t.Context(), "/"+n))
	}
	t.lists("/")
}

func nameTooLong(t *tester) {
	ctx, name := t.Context(), "/"+strings.Repeat("n", vfs.MaxComponent+1)
	t.put("/a", "")
	_, err := t.fs.Open(ctx, name, vfs.Write|vfs.Create|vfs.Truncate)
	t.fails("open", err, vfs.ErrName)
	_, err = t.fs.Stat(ctx, name)
	t.fails("stat", err, vfs.ErrName)
	t.fails("mkdir", t.fs.Mkdir(ctx, name), vfs.ErrName)
	t.fails("rename", t.fs.Rename(ctx, "/a", name), vfs.ErrName)
	t.lists("/", "a")
}

func closedStorage(t *tester) {
	t.put("/a", "content")
	f := t.open("/a", vfs.Read)
	t.noError("close", t.fs.Close())
	t.closed = true
	_, err := t.fs.Stat(t.Context(), "/a")
	t.fails("stat in a closed storage", err, fs.ErrClosed, vfs.ErrUnavailable)
	_, err = t.fs.Open(t.Context(), "/a", vfs.Read)
	t.fails("open in a closed storage", err, fs.ErrClosed, vfs.ErrUnavailable)
	t.fails("mkdir in a closed storage", t.fs.Mkdir(t.Context(), "/d"), fs.ErrClosed, vfs.ErrUnavailable)
	t.noError("close a file after its storage", f.Close())
}
