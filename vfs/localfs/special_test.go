//go:build unix

package localfs_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// within fails the test if run does not return: something blocks.
func within(t *testing.T, what string, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s blocks", what)
	}
}

// TestFIFO: nothing waits for the other end of a FIFO, and nothing opens it.
func TestFIFO(t *testing.T) {
	fsys, home := open(t)
	fifo := filepath.Join(home, "fifo")
	must(t, unix.Mkfifo(fifo, 0o666))
	must(t, unix.Mkfifo(filepath.Join(home, vfs.StagingPrefix+"fifo"), 0o666))
	must(t, os.Symlink("fifo", filepath.Join(home, "link")))
	for _, name := range []string{"/fifo", "/link"} {
		within(t, name, func() {
			for what, err := range attempts(t, fsys, name) {
				switch what {
				case "stat", "space":
					must(t, err)
				case "list":
					wantError(t, what, err, vfs.ErrNotDir)
				default:
					wantError(t, what+" "+name, err, vfs.ErrPermission)
				}
			}
			for what, err := range attempts(t, fsys, name+"/x") {
				wantError(t, what+" "+name+"/x", err, vfs.ErrNotDir)
			}
			wantError(t, "mkdir", fsys.Mkdir(t.Context(), name+"/x"), vfs.ErrNotDir)
			wantError(t, "symlink", fsys.Symlink(t.Context(), "/", name+"/x"), vfs.ErrNotDir)
		})
	}
	within(t, "sweep", func() {
		if n, err := fsys.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("sweep: %d %v", n, err)
		}
	})
	if fi, err := fsys.Stat(t.Context(), "/link"); err != nil || fi.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("stat: %v %v", fi, err)
	}
	must(t, fsys.Remove(t.Context(), "/fifo"))
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestFIFORace swaps a file for a FIFO between the look and the open.
func TestFIFORace(t *testing.T) {
	fsys, home := open(t)
	p := filepath.Join(home, "f")
	must(t, os.WriteFile(p, []byte("content"), 0o644))
	must(t, unix.Mkfifo(p+".link", 0o666))
	ctx, stop := context.WithCancel(t.Context())
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for ctx.Err() == nil {
			swap(p)
		}
	}()
	within(t, "open", func() {
		for range 300 {
			attempts(t, fsys, "/f")
			attempts(t, fsys, "/f/x")
		}
	})
	stop()
	<-swapped
}

// TestUmask: what is made has 0666 and 0777 less the umask of the process.
func TestUmask(t *testing.T) {
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	fsys, home := open(t)
	must(t, fsys.Mkdir(t.Context(), "/d"))
	must(t, use(t, fsys, "/inplace", vfs.Write|vfs.Create|vfs.Truncate))
	must(t, use(t, fsys, "/staged", vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic))
	must(t, use(t, fsys, "/excl", vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic|vfs.Excl))
	for name, want := range map[string]fs.FileMode{"": 0o750, "d": 0o750, "inplace": 0o640, "staged": 0o640, "excl": 0o640} {
		fi, err := os.Lstat(filepath.Join(home, name))
		must(t, err)
		if fi.Mode().Perm() != want {
			t.Errorf("%q has %v, want %v", name, fi.Mode().Perm(), want)
		}
	}
}
