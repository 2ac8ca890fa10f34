//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package localfs

import (
	"time"

	"golang.org/x/sys/unix"
)

// setTimes is futimes(2), which sets both times; the one to be left alone is
// read first.
func (f *File) setTimes(atime, mtime time.Time) error {
	c, err := f.f.SyscallConn()
	if err != nil {
		return err
	}
	var timeErr error
	err = c.Control(func(fd uintptr) {
		var st unix.Stat_t
		if timeErr = unix.Fstat(int(fd), &st); timeErr != nil {
			return
		}
		tv := []unix.Timeval{unix.NsecToTimeval(st.Atim.Nano()), unix.NsecToTimeval(st.Mtim.Nano())}
		if !atime.IsZero() {
			tv[0] = unix.NsecToTimeval(atime.UnixNano())
		}
		if !mtime.IsZero() {
			tv[1] = unix.NsecToTimeval(mtime.UnixNano())
		}
		timeErr = unix.Futimes(int(fd), tv)
	})
	if err != nil {
		return err
	}
	return timeErr
}
