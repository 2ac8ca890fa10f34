package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// pattern is content that shows where a piece went astray.
func pattern(seed string, size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%s %d\n", seed, i)
	}
	return b.Bytes()[:size]
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func makeDir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

func chmodFile(t *testing.T, name string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func removeFile(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// hole makes a file of 4.5 GiB that takes no space.
func hole(t *testing.T, name string) {
	t.Helper()
	writeFile(t, name, nil)
	if err := os.Truncate(name, far); err != nil {
		t.Fatal(err)
	}
}

// writeFar makes a hole with something behind it.
func writeFar(t *testing.T, name string, tail []byte) {
	t.Helper()
	hole(t, name)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(tail, far); err != nil {
		t.Fatal(err)
	}
}

// wantFar checks size and ends, and that what lies between is still a hole.
func wantFar(t *testing.T, name string, tail []byte) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(far + len(tail)); info.Size() != want {
		t.Fatalf("%s has %d bytes, want %d", filepath.Base(name), info.Size(), want)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Blocks*512 > 64<<20 {
		t.Errorf("%s takes %d bytes of the disk", filepath.Base(name), stat.Blocks*512)
	}
	wantAt(t, name, far, tail)
	wantAt(t, name, far-4096, make([]byte, 4096))
}

func wantAt(t *testing.T, name string, offset int64, want []byte) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, offset); err != nil {
		t.Fatal(err)
	}
	wantBytes(t, name, got, want)
}

func wantFile(t *testing.T, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, name, got, want)
}

// wantBytes tells the place of the first difference.
func wantBytes(t *testing.T, name string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	t.Fatalf("%s has %d bytes, want %d; they differ from %d on: %.40q, want %.40q",
		filepath.Base(name), len(got), len(want), i, got[i:], want[i:])
}

func wantGone(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there: %v", filepath.Base(name), err)
	}
}

func wantMode(t *testing.T, name string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %o, want %o", filepath.Base(name), info.Mode().Perm(), want)
	}
}

func wantTime(t *testing.T, name string, seconds int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.ModTime().Unix() != seconds {
		t.Errorf("%s has time %d, want %d", filepath.Base(name), info.ModTime().Unix(), seconds)
	}
}

// writeTree makes a small tree of the kinds that trees have.
func writeTree(t *testing.T, root string) {
	t.Helper()
	for _, dir := range []string{"", "empty dir", "deep/er/st", unicodeDir} {
		makeDir(t, filepath.Join(root, dir))
	}
	writeFile(t, filepath.Join(root, "empty"), nil)
	writeFile(t, filepath.Join(root, "deep/er/st/file.bin"), pattern("deep", 200001))
	writeFile(t, filepath.Join(root, unicodeDir, unicodeFile), []byte("ä\n"))
	for i := range 20 {
		writeFile(t, filepath.Join(root, "deep", fmt.Sprintf("small %d", i)), pattern("small", i*100))
	}
}

func wantTree(t *testing.T, got, want string) {
	t.Helper()
	if err := sameTree(t, got, want); err != nil {
		t.Error(err)
	}
}

func sameTree(t *testing.T, a, b string) error {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "diff", "-r", a, b).CombinedOutput(); err != nil {
		return fmt.Errorf("diff -r: %w\n%s", err, out)
	}
	return nil
}
