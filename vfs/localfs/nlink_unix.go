//go:build unix

package localfs

import (
	"strconv"
	"syscall"
)

// Unlinked reports whether the last name of the file was removed.
func (i *info) Unlinked() bool {
	st, ok := i.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// deviceOf tells file systems apart for as long as the host runs.
func deviceOf(i *info) string {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatUint(uint64(st.Dev), 16) + ":"
}
