//go:build darwin || freebsd

package localfs

import "golang.org/x/sys/unix"

// blockSize is the unit of the counts.
func blockSize(st *unix.Statfs_t) uint64 { return uint64(st.Bsize) }
