package localfs

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A listing says of every entry what package os says, however large the directory is.
func TestListedLikeOS(t *testing.T) {
	for _, count := range []int{0, 1, 300, 5000} {
		dir := t.TempDir()
		for i := range count {
			noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("a file with a name of some length %d", i)), make([]byte, i%7), fs.FileMode(0o600+i%8)))
		}
		if count > 0 {
			noError(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700))
			noError(t, os.Chmod(filepath.Join(dir, "dir"), 0o755|fs.ModeSticky|fs.ModeSetgid))
			noError(t, os.Symlink("nowhere", filepath.Join(dir, "link")))
			noError(t, os.Link(filepath.Join(dir, "link"), filepath.Join(dir, "link2")))
			noError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
		}
		root, err := os.OpenRoot(dir)
		noError(t, err)
		defer root.Close()
		seen := map[string]bool{}
		for got, err := range entries(t.Context(), root) {
			noError(t, err)
			want, err := root.Lstat(got.Name())
			noError(t, err)
			if seen[got.Name()] {
				t.Errorf("%s twice", got.Name())
			}
			seen[got.Name()] = true
			if got.Size() != want.Size() || got.Mode() != want.Mode() || !got.ModTime().Equal(want.ModTime()) || got.IsDir() != want.IsDir() ||
				*got.Sys().(*syscall.Stat_t) != *want.Sys().(*syscall.Stat_t) {
				t.Errorf("%s: %v %v", got.Name(), got, want)
			}
		}
		all, err := os.ReadDir(dir)
		noError(t, err)
		if len(seen) != len(all) {
			t.Errorf("%d of %d entries", len(seen), len(all))
		}
	}
}

// Who stops early, or is stopped, leaves nothing running.
func TestListedInPart(t *testing.T) {
	dir := t.TempDir()
	for i := range 3000 {
		noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("a file with a name of some length %d", i)), nil, 0o600))
	}
	root, err := os.OpenRoot(dir)
	noError(t, err)
	defer root.Close()
	for _, after := range []int{1, 200, 1000, 2500} {
		n := 0
		for _, err := range entries(t.Context(), root) {
			noError(t, err)
			if n++; n == after {
				break
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		n = 0
		var last error
		for _, err := range entries(ctx, root) {
			if n++; n == after {
				cancel()
			}
			last = err
		}
		cancel()
		if last != context.Canceled {
			t.Errorf("canceled after %d: %v, %d entries", after, last, n)
		}
	}
}

func TestNamesInMalformed(t *testing.T) {
	record := func(size uint16, name string) []byte {
		b := make([]byte, recordName, 64)
		binary.NativeEndian.PutUint16(b[recordLength:], size)
		return append(b, name...)
	}
	for _, b := range [][]byte{
		record(0, "a\x00"), record(1000, "a\x00"), record(21, "aa"), record(22, "a/\x00"), record(19, ""), make([]byte, 5),
	} {
		if names, err := namesIn(b); err == nil {
			t.Errorf("%q: %q", b, names)
		}
	}
	if names, err := namesIn(append(record(21, "a\x00"), record(22, "..\x00")...)); err != nil || len(names) != 1 || names[0] != "a" {
		t.Errorf("%q, %v", names, err)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
