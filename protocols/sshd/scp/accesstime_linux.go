package scp

import (
	"io/fs"
	"syscall"
	"time"
)

// accessTime is what the file system tells; storage that tells none answers with
// the time of the last change.
func accessTime(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Atim.Unix())
	}
	return info.ModTime()
}
