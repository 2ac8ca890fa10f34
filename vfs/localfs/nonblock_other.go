//go:build !unix

package localfs

// openNonblock is for systems with FIFOs among the files.
const openNonblock = 0
