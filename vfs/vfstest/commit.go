package vfstest

import (
	"context"
	"io"
	"path"
	"strings"

	"sftpgo/vfs"
)

func commitTests() []test {
	return []test{
		{"nobody sees a staged file", stagedUnseen},
		{"the old file stays until commit", oldStays},
		{"an open reader keeps the old content", readerKeepsOld},
		{"close without commit drops a staged file", dropStaged},
		{"close without commit keeps a file in place", keepInPlace},
		{"commit in place", commitInPlace},
		{"commit once", commitOnce},
		{"no write after commit", writeAfterCommit},
		{"stat of a staged file", statStaged},
		{"two staged writers", twoStagedWriters},
		{"two writers in place", twoInPlaceWriters},
		{"long name", longName},
		{"directory takes the name", directoryTakesName},
		{"parent vanishes", parentVanishes},
		{"identity", identity},
		{"directory with an upload", directoryWithUpload},
	}
}

func stagedUnseen(t *tester) {
	t.mkdir("/d")
	f := t.open("/d/a", staged)
	t.write(f, "content")
	t.missing("/d/a")
	t.lists("/d")
	_, err := t.fs.Open(t.Context(), "/d/a", vfs.Read)
	t.fails("open before commit", err, vfs.ErrNotExist)
	t.fails("remove before commit", t.fs.Remove(t.Context(), "/d/a"), vfs.ErrNotExist)
	t.commit(f)
	t.lists("/d", "a")
	t.has("/d/a", "content")
	t.close(f)
	t.lists("/d", "a")
	t.has("/d/a", "content")
}

func oldStays(t *tester) {
	t.put("/a", "old content")
	before := t.stat("/a")
	f := t.open("/a", staged)
	t.write(f, "new")
	t.has("/a", "old content")
	if fi := t.stat("/a"); fi.Size() != before.Size() || !fi.ModTime().Equal(before.ModTime()) {
		t.Errorf("changed before commit: %d %v", fi.Size(), fi.ModTime())
	}
	t.lists("/", "a")
	t.commit(f)
	t.close(f)
	t.has("/a", "new")
	t.lists("/", "a")
}

func readerKeepsOld(t *tester) {
	t.put("/a", "old content")
	r := t.open("/a", vfs.Read)
	p := make([]byte, 4)
	_, err := io.ReadFull(r, p)
	t.noError("read", err)
	f := t.open("/a", staged)
	t.write(f, "NEW CONTENT")
	t.commit(f)
	t.close(f)
	rest, err := io.ReadAll(r)
	t.noError("read", err)
	if got := string(p) + string(rest); got != "old content" {
		t.Errorf("the reader got %q", got)
	}
}

func dropStaged(t *tester) {
	t.put("/old", "old content")
	for _, name := range []string{"/old", "/new"} {
		f := t.open(name, staged)
		t.write(f, "dropped")
		t.close(f)
	}
	t.has("/old", "old content")
	t.missing("/new")
	t.lists("/", "old")
	t.mkdir("/d")
	f := t.open("/d/a", staged)
	t.close(f)
	t.noError("remove a directory without leftovers", t.fs.Remove(t.Context(), "/d"))
}

func keepInPlace(t *tester) {
	f := t.openOrSkip("/a", vfs.Write|vfs.Create, "write in place")
	t.write(f, "what arrived")
	t.close(f)
	t.has("/a", "what arrived")
}

func commitInPlace(t *tester) {
	f := t.open("/a", inPlace)
	t.write(f, "content")
	t.commit(f)
	t.close(f)
	t.has("/a", "content")
}

func commitOnce(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/a", mode)
		t.write(f, "content")
		t.commit(f)
		t.fails("second commit", f.Commit(t.Context()), vfs.ErrUnsupported)
		t.close(f)
		t.has("/a", "content")
	}
}

func writeAfterCommit(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/a", mode)
		t.write(f, "content")
		t.commit(f)
		_, err := f.Write([]byte("more"))
		t.fails("write after commit", err, vfs.ErrUnsupported)
		_, err = f.WriteAt([]byte("X"), 0)
		t.fails("write at after commit", err, vfs.ErrUnsupported)
		t.close(f)
		t.has("/a", "content")
	}
}

func statStaged(t *tester) {
	t.put("/a", "old content")
	for _, mode := range []vfs.Mode{staged, inPlace} {
		f := t.open("/a", mode)
		t.write(f, "0123")
		fi, err := f.Stat()
		t.noError("stat", err)
		if fi.Size() != 4 || fi.Name() != "a" || fi.IsDir() {
			t.Errorf("before commit: %q %d %v", fi.Name(), fi.Size(), fi.Mode())
		}
		t.commit(f)
		fi, err = f.Stat()
		t.noError("stat", err)
		if fi.Size() != 4 || fi.Name() != "a" {
			t.Errorf("after commit: %q %d", fi.Name(), fi.Size())
		}
		t.close(f)
	}
}

func twoStagedWriters(t *tester) {
	first, second := t.open("/a", staged), t.open("/a", staged)
	t.write(first, "first, and longer")
	t.write(second, "second")
	t.commit(first)
	t.has("/a", "first, and longer")
	t.commit(second)
	t.close(first)
	t.close(second)
	t.has("/a", "second")
	t.lists("/", "a")
}

func twoInPlaceWriters(t *tester) {
	t.put("/a", "0123456789")
	first := t.openOrSkip("/a", vfs.Write, "update in place")
	second := t.open("/a", vfs.Write)
	_, err := first.WriteAt([]byte("AA"), 0)
	t.noError("first", err)
	_, err = second.WriteAt([]byte("BB"), 8)
	t.noError("second", err)
	for _, f := range []vfs.File{first, second} {
		t.commit(f)
		t.close(f)
	}
	t.has("/a", "AA234567BB")
}

func longName(t *tester) {
	for _, base := range []string{strings.Repeat("x", vfs.MaxComponent), strings.Repeat("é", vfs.MaxComponent/2), "x" + strings.Repeat("漢", 84)} {
		name := path.Join("/", base)
		f := t.open(name, staged)
		t.write(f, base)
		t.lists("/")
		t.commit(f)
		t.close(f)
		t.has(name, base)
		t.lists("/", base)
		t.noError("remove", t.fs.Remove(t.Context(), name))
	}
	_, err := t.fs.Open(t.Context(), "/"+strings.Repeat("x", vfs.MaxComponent+1), staged)
	t.fails("name too long", err, vfs.ErrName)
}

func directoryTakesName(t *tester) {
	f := t.open("/a", staged)
	t.write(f, "content")
	t.mkdir("/a")
	t.fails("commit onto a directory", f.Commit(t.Context()), vfs.ErrIsDir, vfs.ErrExist)
	t.close(f)
	t.lists("/", "a")
	t.lists("/a")
	if !t.stat("/a").IsDir() {
		t.Error("the directory is gone")
	}
}

// parentVanishes: what becomes of the upload is the backend's affair; it must
// not be half there.
func parentVanishes(t *tester) {
	t.mkdir("/d")
	f := t.open("/d/a", staged)
	t.write(f, "content")
	t.noError("rename", t.fs.Rename(t.Context(), "/d", "/e"))
	err := f.Commit(t.Context())
	f.Close()
	t.lists("/", "e")
	if err == nil {
		t.has("/e/a", "content")
		return
	}
	t.fails("commit", err, vfs.ErrNotExist)
	t.lists("/e")
}

func identity(t *tester) {
	f := t.open("/a", staged)
	t.write(f, "content")
	fi, err := f.Stat()
	t.noError("stat", err)
	id := vfs.FileIDOf(fi)
	if id == "" {
		t.Skip("the backend does not identify files")
	}
	same := func(what, got string) {
		t.Helper()
		if got != id {
			t.Errorf("%s: identity %q, want %q", what, got, id)
		}
	}
	t.commit(f)
	same("by name after commit", vfs.FileIDOf(t.stat("/a")))
	fi, err = f.Stat()
	t.noError("stat", err)
	same("by handle after commit", vfs.FileIDOf(fi))
	t.close(f)
	t.noError("rename", t.fs.Rename(t.Context(), "/a", "/b"))
	same("after rename", vfs.FileIDOf(t.stat("/b")))
	u := t.open("/b", inPlace)
	t.write(u, "other")
	t.commit(u)
	t.close(u)
	seen := map[string]bool{vfs.FileIDOf(t.stat("/b")): true}
	for range 20 {
		t.noError("remove", t.fs.Remove(t.Context(), "/b"))
		t.put("/b", "content")
		got := vfs.FileIDOf(t.stat("/b"))
		if seen[got] {
			t.Fatalf("a new file has the identity %q of an old one", got)
		}
		seen[got] = true
	}
}

func directoryWithUpload(t *tester) {
	t.mkdir("/d")
	f := t.open("/d/a", staged)
	t.write(f, "content")
	// A backend without directories may let it go; one with must say why not.
	if err := t.fs.Remove(context.WithoutCancel(t.Context()), "/d"); err != nil {
		t.fails("remove a directory with an upload", err, vfs.ErrBusy, vfs.ErrNotEmpty)
	}
	t.commit(f)
	t.close(f)
	t.has("/d/a", "content")
}
