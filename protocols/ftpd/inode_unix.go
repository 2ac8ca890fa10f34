//go:build unix

package ftpd

import (
	"fmt"
	"io/fs"
	"syscall"
)

// uniqueOf is the fact "unique" of RFC 3659, section 7.5.4: the same for all names
// of a file; "" where the storage has nothing like that.
func uniqueOf(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%xg%x", uint64(st.Dev), uint64(st.Ino)) //nolint:unconvert // other sizes on some systems
	}
	return ""
}
