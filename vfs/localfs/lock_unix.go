//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package localfs

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lock holds f until it is closed or the process dies. On storage without locks
// it does nothing, and abandoned finds nothing there.
func lock(f *os.File) { _ = flock(f, unix.LOCK_EX) }

// abandoned reports whether nobody holds the staged file f; if so, the caller
// holds it now.
func abandoned(f *os.File, _ fs.FileInfo) bool {
	return flock(f, unix.LOCK_EX|unix.LOCK_NB) == nil
}

func flock(f *os.File, how int) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = c.Control(func(fd uintptr) {
		for lockErr = unix.EINTR; lockErr == unix.EINTR; {
			lockErr = unix.Flock(int(fd), how)
		}
	})
	if err != nil {
		return err
	}
	return lockErr
}
