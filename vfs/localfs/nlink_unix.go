//go:build unix

package localfs

import (
	"strconv"
	"syscall"
)

// Names returns how many names the file has.
func (i *info) Names() int {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok || i.IsDir() {
		return 1
	}
	return int(st.Nlink)
}

// deviceOf tells file systems apart for as long as the host runs.
func deviceOf(i *info) string {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatUint(uint64(st.Dev), 16) + ":"
}
