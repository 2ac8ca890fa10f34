//go:build unix

package localfs

import "golang.org/x/sys/unix"

// openNonblock keeps an open from waiting for the other end of a FIFO. Where the
// file is made it only spares os four calls of fcntl.
const openNonblock = unix.O_NONBLOCK
