//go:build darwin || freebsd || netbsd

package sftp

import (
	"io/fs"
	"syscall"
	"time"
)

func sysOf(info fs.FileInfo) sys {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown(info)
	}
	return sys{st.Uid, st.Gid, uint64(st.Nlink), time.Unix(st.Atimespec.Unix())}
}
