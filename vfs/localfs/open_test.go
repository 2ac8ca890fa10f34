//go:build unix

package localfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// TestOpenRaced: what was a file when it was looked at is a FIFO or a directory
// when it is opened. Nothing blocks, nothing else is opened.
func TestOpenRaced(t *testing.T) {
	home := t.TempDir()
	fsys, err := New(t.Context(), Config{Root: home}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	file := filepath.Join(home, "file")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Mkdir(filepath.Join(home, "dir"), 0o755),
		unix.Mkfifo(filepath.Join(home, "fifo"), 0o644)); err != nil {
		t.Fatal(err)
	}
	found, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range []string{"fifo", "dir"} {
			for _, mode := range []vfs.Mode{vfs.Read, vfs.Write, vfs.Read | vfs.Write, vfs.Write | vfs.Create | vfs.Truncate} {
				f, err := fsys.t.openInPlace(name, found, mode, "/f")
				if err == nil {
					f.Close()
					t.Errorf("opened the %s with mode %b", name, mode)
				}
			}
			if err := fsys.t.truncate(name, 0); err == nil {
				t.Errorf("truncated the %s", name)
			}
		}
		if _, err := fsys.t.openInPlace("gone", found, vfs.Write|vfs.Create, "/f"); !errors.Is(err, errRaced) {
			t.Errorf("file that is gone: %v, want %v", err, errRaced)
		}
		if _, err := fsys.t.openInPlace("file", nil, vfs.Write|vfs.Create, "/f"); !errors.Is(err, errRaced) {
			t.Errorf("file that has come: %v, want %v", err, errRaced)
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("an open blocks")
	}
}
