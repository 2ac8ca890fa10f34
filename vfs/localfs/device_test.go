//go:build linux

package localfs_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// TestDevice: a device file in the home is not opened.
func TestDevice(t *testing.T) {
	fsys, home := open(t)
	if err := unix.Mknod(filepath.Join(home, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("cannot make a device: %v", err)
	}
	for _, mode := range []vfs.Mode{vfs.Read, vfs.Write, vfs.Write | vfs.Create | vfs.Truncate, vfs.Write | vfs.Create | vfs.Truncate | vfs.Atomic} {
		_, err := fsys.Open(t.Context(), "/null", mode)
		wantError(t, "open", err, vfs.ErrPermission)
	}
}
