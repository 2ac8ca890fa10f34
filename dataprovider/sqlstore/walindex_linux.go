package sqlstore

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// walIndex reads the header of the index of a write-ahead log (the file -shm), which
// all connections of all processes share and each commit changes: it has a counter of
// transactions (https://www.sqlite.org/walformat.html, 2.1). This is what SQLite
// itself looks at to find out whether somebody has committed, without its locks,
// which only who reads on needs.
//
// Its descriptor stays open until the process ends. POSIX takes all locks on a file
// away from a process that closes any descriptor of it, and another store of this
// process may have some (https://www.sqlite.org/howtocorrupt.html, 2.2).
type walIndex struct{ fd int }

func openWALIndex(path string) (*walIndex, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &walIndex{fd}, nil
}

// header returns false if it is not what this code knows. One that is read while it is
// written is no other than the last or the next one; or a mixture, which is equal to
// none that was read or will be.
func (x *walIndex) header() (h [walHeader]byte, ok bool) {
	const version, initialized = 3007000, 1
	n, err := unix.Pread(x.fd, h[:], 0)
	ok = err == nil && n == len(h) && binary.NativeEndian.Uint32(h[:]) == version && h[12] == initialized
	return h, ok
}
