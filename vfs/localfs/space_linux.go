package localfs

import "golang.org/x/sys/unix"

// blockSize is the unit of the counts; Bsize is the preferred transfer size.
func blockSize(st *unix.Statfs_t) uint64 {
	if st.Frsize > 0 {
		return uint64(st.Frsize)
	}
	return uint64(st.Bsize)
}
