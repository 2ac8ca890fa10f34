package vfstest

import (
	"sftpgo/vfs"
)

func hardLinkTests() []test {
	return []test{
		{"two names", hardLinker(twoNames)},
		{"last name", hardLinker(lastName)},
		{"rename onto the other name", hardLinker(renameOntoOther)},
		{"staged", hardLinker(linkStaged)},
		{"refused", hardLinker(hardLinkRefused)},
	}
}

func hardLinker(run func(*tester, vfs.HardLinker)) func(*tester) {
	return func(t *tester) {
		l, ok := vfs.As[vfs.HardLinker](t.fs)
		if !ok {
			t.Skip("the backend has no hard links")
		}
		run(t, l)
	}
}

func (t *tester) hasNames(name string, want int) {
	t.Helper()
	if got := vfs.NamesOf(t.stat(name)); got != want {
		t.Errorf("%s is a file with %d names, want %d", name, got, want)
	}
}

// listedNames is what a listing says of the number of names.
func (t *tester) listedNames(dir, base string, want int) {
	t.Helper()
	for fi, err := range t.fs.List(t.Context(), dir) {
		t.noError("list", err)
		if fi.Name() == base && vfs.NamesOf(fi) != want {
			t.Errorf("%s is listed as a file with %d names, want %d", base, vfs.NamesOf(fi), want)
		}
	}
}

func twoNames(t *tester, l vfs.HardLinker) {
	t.mkdir("/d")
	t.put("/f", "content")
	t.hasNames("/f", 1)
	t.noError("link", l.Link(t.Context(), "/f", "/d/g"))
	t.hasNames("/f", 2)
	t.hasNames("/d/g", 2)
	t.listedNames("/d", "g", 2)
	t.hasNames("/d", 1)
	if a, b := vfs.FileIDOf(t.stat("/f")), vfs.FileIDOf(t.stat("/d/g")); a == "" || a != b {
		t.Errorf("identities %q and %q", a, b)
	}
	f := t.open("/d/g", vfs.Write)
	t.write(f, "CON")
	t.commit(f)
	t.close(f)
	t.has("/f", "CONtent")
}

func lastName(t *tester, l vfs.HardLinker) {
	t.put("/f", "content")
	t.noError("link", l.Link(t.Context(), "/f", "/g"))
	f := t.open("/f", vfs.Read)
	t.noError("remove", t.fs.Remove(t.Context(), "/f"))
	t.has("/g", "content")
	t.hasNames("/g", 1)
	fi, err := f.Stat()
	t.noError("stat", err)
	if vfs.Unlinked(fi) {
		t.Error("a file with one name left is said to have none")
	}
	t.noError("remove", t.fs.Remove(t.Context(), "/g"))
	fi, err = f.Stat()
	t.noError("stat", err)
	if !vfs.Unlinked(fi) {
		t.Error("a file without a name is said to have one")
	}
}

// renameOntoOther does nothing, as rename(2).
func renameOntoOther(t *tester, l vfs.HardLinker) {
	t.put("/f", "content")
	t.noError("link", l.Link(t.Context(), "/f", "/g"))
	t.noError("rename", t.fs.Rename(t.Context(), "/f", "/g"))
	t.lists("/", "f", "g")
}

// linkStaged: an upload in progress leaves the file that it will replace alone,
// and takes one of its names when it is published.
func linkStaged(t *tester, l vfs.HardLinker) {
	t.put("/f", "old")
	f := t.openOrSkip("/f", staged, "stage")
	t.write(f, "new")
	t.noError("link", l.Link(t.Context(), "/f", "/g"))
	t.has("/g", "old")
	t.commit(f)
	t.close(f)
	t.has("/f", "new")
	t.has("/g", "old")
	t.hasNames("/g", 1)
}

func hardLinkRefused(t *tester, l vfs.HardLinker) {
	t.mkdir("/d")
	t.put("/f", "content")
	t.put("/g", "other")
	ctx := t.Context()
	t.fails("missing", l.Link(ctx, "/missing", "/x"), vfs.ErrNotExist)
	t.fails("directory", l.Link(ctx, "/d", "/x"), vfs.ErrIsDir)
	t.fails("root", l.Link(ctx, "/", "/x"), vfs.ErrIsDir)
	t.fails("onto a file", l.Link(ctx, "/f", "/g"), vfs.ErrExist)
	t.fails("onto itself", l.Link(ctx, "/f", "/f"), vfs.ErrExist)
	t.fails("onto a directory", l.Link(ctx, "/f", "/d"), vfs.ErrExist)
	t.fails("onto the root", l.Link(ctx, "/f", "/"), vfs.ErrExist)
	t.fails("no parent", l.Link(ctx, "/f", "/missing/x"), vfs.ErrNotExist)
	if s, ok := vfs.As[vfs.Linker](t.fs); ok {
		t.symlink(s, "f", "/link")
		t.symlink(s, "..", "/d/up")
		t.symlink(s, "../../..", "/d/out")
		t.fails("of a link", l.Link(ctx, "/link", "/x"), vfs.ErrUnsupported)
		t.fails("onto a link", l.Link(ctx, "/f", "/link"), vfs.ErrExist)
		t.fails("from outside", l.Link(ctx, "/d/out/etc/passwd", "/x"), vfs.ErrPermission)
		t.fails("to outside", l.Link(ctx, "/f", "/d/out/tmp/x"), vfs.ErrPermission)
		t.noError("through a link", l.Link(ctx, "/d/up/f", "/d/up/y"))
		t.hasNames("/y", 2)
	}
	t.has("/g", "other")
	t.missing("/x")
}
