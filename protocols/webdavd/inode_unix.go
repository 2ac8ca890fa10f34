//go:build unix

package webdavd

import (
	"io/fs"
	"syscall"
)

// inode is the number of the file on a local file system, which a listing tells
// without another look at the file; 0 elsewhere.
func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino) //nolint:unconvert // 32 bits on some systems
	}
	return 0
}
