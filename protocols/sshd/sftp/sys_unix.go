//go:build unix && !linux

package sftp

import (
	"io/fs"
	"syscall"
)

// sysOf leaves the time of the last access out: each of these systems calls it
// something else.
func sysOf(info fs.FileInfo) sys {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown(info)
	}
	return sys{uint32(st.Uid), uint32(st.Gid), uint64(st.Nlink), info.ModTime()}
}
