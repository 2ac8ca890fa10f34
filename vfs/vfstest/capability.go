package vfstest

import (
	"path/filepath"
	"strings"

	"sftpgo/vfs"
)

func capabilityTests() []test {
	return []test{
		{"space", space},
		{"storage path", storagePath},
		{"sync", syncFile},
		{"sweep", sweep},
	}
}

func space(t *tester) {
	m, ok := vfs.As[vfs.Measurer](t.fs)
	if !ok {
		t.Skip("the backend does not measure space")
	}
	t.mkdir("/d")
	t.put("/f", "content")
	for _, name := range []string{"/", "/d", "/f"} {
		s, err := m.Space(t.Context(), name)
		t.noError("space", err)
		if s.BlockSize == 0 || s.Total == 0 || s.Free > s.Total || s.Avail > s.Free || s.FilesFree > s.Files || s.NameMax == 0 {
			t.Errorf("%s: %+v makes no sense", name, s)
		}
	}
	_, err := m.Space(t.Context(), "/missing")
	t.fails("missing", err, vfs.ErrNotExist)
}

func storagePath(t *tester) {
	l, ok := vfs.As[vfs.Locator](t.fs)
	if !ok {
		t.Skip("the backend does not locate names")
	}
	root := l.StoragePath("/")
	if got := l.StoragePath("/d/f"); !strings.HasPrefix(got, root) || filepath.Base(got) != "f" {
		t.Errorf("/d/f is at %q, the root at %q", got, root)
	}
}

func syncFile(t *tester) {
	d, ok := vfs.As[vfs.Durable](t.fs)
	if !ok || !d.Durable() {
		t.Skip("the backend does not sync")
	}
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/f", mode)
		s, ok := vfs.As[vfs.Syncer](f)
		if !ok {
			t.Fatal("the backend syncs, and a file of it does not")
		}
		t.write(f, "content")
		t.noError("sync before commit", s.Sync())
		t.commit(f)
		t.noError("sync after commit", s.Sync())
		t.close(f)
		if s.Sync() == nil {
			t.Error("sync after close: no error")
		}
		t.has("/f", "content")
	}
}

// sweep leaves alone all that is in use. That it removes what is not takes a
// process that dies; each backend tests that itself.
func sweep(t *tester) {
	s, ok := vfs.As[vfs.Sweeper](t.fs)
	if !ok {
		t.Skip("the backend has nothing to sweep")
	}
	t.mkdir("/d")
	t.put("/d/f", "content")
	f := t.open("/d/f", staged)
	g := t.open("/new", staged|vfs.Excl)
	t.write(f, "new")
	t.write(g, "new")
	for range 2 {
		n, err := s.Sweep(t.Context())
		t.noError("sweep", err)
		if n != 0 {
			t.Errorf("swept %d files that are in use", n)
		}
	}
	t.commit(f)
	t.commit(g)
	n, err := s.Sweep(t.Context())
	t.noError("sweep", err)
	if n != 0 {
		t.Errorf("swept %d committed files", n)
	}
	t.close(f)
	t.close(g)
	t.has("/d/f", "new")
	t.has("/new", "new")
}
