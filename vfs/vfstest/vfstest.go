// Package vfstest holds what every storage backend must do, as tests. A backend
// is done when they pass.
package vfstest

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"sftpgo/vfs"
)

// Run tests the backend that open gives. open is called for each test, must
// return an empty storage each time and need not close it. What a backend may
// lack is skipped by name: an optional capability that vfs.As does not find, a
// mode of Open that it answers with vfs.ErrUnsupported.
func Run(t *testing.T, open func(t *testing.T) vfs.FS) {
	t.Helper()
	groups := []struct {
		name  string
		tests []test
	}{
		{"content", contentTests()},
		{"commit", commitTests()},
		{"exclusive", exclusiveTests()},
		{"tree", treeTests()},
		{"list", listTests()},
		{"cancel", cancelTests()},
		{"concurrent", concurrentTests()},
		{"link", linkTests()},
		{"hard link", hardLinkTests()},
		{"attrs", attrTests()},
		{"attrs of links", linkAttrTests()},
		{"range", rangeTests()},
		{"capability", capabilityTests()},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.tests {
				t.Run(c.name, func(t *testing.T) { run(t, open, c) })
			}
		})
	}
}

type test struct {
	name string
	run  func(t *tester)
}

func run(t *testing.T, open func(t *testing.T) vfs.FS, c test) {
	fsys := open(t)
	tt := &tester{T: t, fs: fsys}
	t.Cleanup(func() {
		if tt.closed {
			return
		}
		if err := fsys.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	c.run(tt)
}

// tester is a test with the storage it is about.
type tester struct {
	*testing.T
	fs     vfs.FS
	closed bool // the test has closed it
}

// The usual ways to open for writing.
const (
	inPlace = vfs.Write | vfs.Create | vfs.Truncate
	staged  = inPlace | vfs.Atomic
)

func (t *tester) noError(what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// sentinels are the ones of which a failure has exactly one.
func sentinels() []error {
	return []error{
		vfs.ErrNotExist, vfs.ErrExist, vfs.ErrPermission, vfs.ErrUnsupported, vfs.ErrName, vfs.ErrIsDir, vfs.ErrNotDir,
		vfs.ErrNotEmpty, vfs.ErrNoSpace, vfs.ErrBusy, vfs.ErrUnavailable, fs.ErrClosed,
	}
}

// fails checks that err is one of want and of no other kind, and that its text
// does not tell where the storage is.
func (t *tester) fails(what string, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error, want %v", what, want)
	}
	is := func(s error) bool { return errors.Is(err, s) }
	if !slices.ContainsFunc(want, is) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
	kinds := 0
	for _, s := range sentinels() {
		if is(s) {
			kinds++
		}
	}
	if kinds > 1 {
		t.Errorf("%s: %v is %d sentinels at once", what, err, kinds)
	}
	if l, ok := vfs.As[vfs.Locator](t.fs); ok && strings.Contains(err.Error(), l.StoragePath("/")) {
		t.Errorf("%s: %v tells where the storage is", what, err)
	}
}

// open opens name and closes it at the end of the test if the test does not.
func (t *tester) open(name string, mode vfs.Mode) vfs.File {
	t.Helper()
	f, err := t.fs.Open(t.Context(), name, mode)
	t.noError("open "+name, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// openOrSkip is open for a mode that a backend may lack.
func (t *tester) openOrSkip(name string, mode vfs.Mode, why string) vfs.File {
	t.Helper()
	f, err := t.fs.Open(t.Context(), name, mode)
	if errors.Is(err, vfs.ErrUnsupported) {
		t.Skipf("the backend does not %s", why)
	}
	t.noError("open "+name, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func (t *tester) write(f vfs.File, content string) {
	t.Helper()
	if n, err := io.WriteString(f, content); err != nil || n != len(content) {
		t.Fatalf("write: %d of %d bytes, %v", n, len(content), err)
	}
}

func (t *tester) commit(f vfs.File) {
	t.Helper()
	t.noError("commit", f.Commit(t.Context()))
}

func (t *tester) close(f vfs.File) {
	t.Helper()
	t.noError("close", f.Close())
}

// put makes a file.
func (t *tester) put(name, content string) {
	t.Helper()
	f := t.open(name, inPlace)
	t.write(f, content)
	t.commit(f)
	t.close(f)
}

// has checks the content of a file.
func (t *tester) has(name, content string) {
	t.Helper()
	f := t.open(name, vfs.Read)
	got, err := io.ReadAll(f)
	t.noError("read "+name, err)
	t.close(f)
	if string(got) != content {
		t.Errorf("%s holds %q, want %q", name, clip(string(got)), clip(content))
	}
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

func (t *tester) mkdir(name string) {
	t.Helper()
	t.noError("mkdir "+name, t.fs.Mkdir(t.Context(), name))
}

func (t *tester) stat(name string) fs.FileInfo {
	t.Helper()
	fi, err := t.fs.Stat(t.Context(), name)
	t.noError("stat "+name, err)
	return fi
}

// missing checks that there is nothing at name.
func (t *tester) missing(name string) {
	t.Helper()
	_, err := t.fs.Stat(t.Context(), name)
	t.fails("stat "+name, err, vfs.ErrNotExist)
}

// names lists a directory, sorted.
func (t *tester) names(dir string) []string {
	t.Helper()
	var names []string
	for fi, err := range t.fs.List(t.Context(), dir) {
		t.noError("list "+dir, err)
		names = append(names, fi.Name())
	}
	slices.Sort(names)
	return names
}

// lists checks what is in a directory.
func (t *tester) lists(dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := t.names(dir); !slices.Equal(got, want) {
		t.Errorf("list %s: %q, want %q", dir, got, want)
	}
}
