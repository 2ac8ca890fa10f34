//go:build linux || darwin || freebsd

package localfs

import (
	"os"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// spaceOf asks the file system of an open directory.
func spaceOf(d *os.File) (vfs.Space, error) {
	c, err := d.SyscallConn()
	if err != nil {
		return vfs.Space{}, err
	}
	var st unix.Statfs_t
	var statErr error
	err = c.Control(func(fd uintptr) {
		for statErr = unix.EINTR; statErr == unix.EINTR; {
			statErr = unix.Fstatfs(int(fd), &st)
		}
	})
	if err == nil {
		err = statErr
	}
	if err != nil {
		return vfs.Space{}, err
	}
	size := blockSize(&st)
	return vfs.Space{
		BlockSize:  size,
		Total:      uint64(st.Blocks) * size,
		Free:       uint64(st.Bfree) * size,
		Avail:      positive(int64(st.Bavail)) * size,
		Files:      uint64(st.Files),
		FilesFree:  positive(int64(st.Ffree)),
		FilesAvail: positive(int64(st.Ffree)),
		NameMax:    vfs.MaxComponent,
	}, nil
}

// positive is for the systems that count below zero into the reserve.
func positive(n int64) uint64 { return uint64(max(n, 0)) }
