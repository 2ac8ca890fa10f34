//go:build linux

package localfs_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// TestNoSpace fills a tiny file system, by bytes and by number of files.
func TestNoSpace(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	must(t, os.Mkdir(home, 0o755))
	if err := unix.Mount("tmpfs", home, "tmpfs", 0, "size=256k,nr_inodes=40"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(home, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	fsys := openAt(t, home)
	must(t, use(t, fsys, "/old", staged))
	space, err := fsys.Space(t.Context(), "/old")
	must(t, err)
	if space.Total != 256<<10 || space.Files != 40 || space.Avail == 0 || space.Avail >= space.Total {
		t.Errorf("space: %+v", space)
	}
	for _, mode := range []vfs.Mode{staged, inPlace} {
		f := create(t, fsys, "/old", mode)
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, 32<<10))
		}
		wantError(t, "write", err, vfs.ErrNoSpace)
		if mode.Has(vfs.Atomic) {
			must(t, f.Close())
			if fi, err := fsys.Stat(t.Context(), "/old"); err != nil || fi.Size() != int64(len("inside")) {
				t.Errorf("the old file: %v %v", fi, err)
			}
		}
	}
	must(t, fsys.Remove(t.Context(), "/old"))
	f := create(t, fsys, "/copy", staged)
	_, err = f.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("x", 1<<20)))
	wantError(t, "read from", err, vfs.ErrNoSpace)
	must(t, f.Close())

	for i := 0; ; i++ {
		if err = fsys.Mkdir(t.Context(), fmt.Sprint("/d", i)); err != nil {
			break
		}
	}
	wantError(t, "mkdir", err, vfs.ErrNoSpace)
	for _, mode := range []vfs.Mode{staged, inPlace} {
		_, err := fsys.Open(t.Context(), "/new", mode)
		wantError(t, "open", err, vfs.ErrNoSpace)
	}
	if got := leftovers(t, home); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}
