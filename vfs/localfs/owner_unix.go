//go:build unix

package localfs

import (
	"io/fs"
	"syscall"
)

// ownerOf returns who a file belongs to.
func ownerOf(fi fs.FileInfo) owner {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return owner{int(st.Uid), int(st.Gid)}
	}
	return owner{-1, -1}
}
