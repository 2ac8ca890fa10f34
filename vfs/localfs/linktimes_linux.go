package localfs

import (
	"time"

	"golang.org/x/sys/unix"
)

const linksHaveTimes = true

// setLinkTimes sets the times of what is at rel, not of what a link leads to.
func (t *tree) setLinkTimes(rel string, atime, mtime time.Time) error {
	dir, base := split(rel)
	d, err := t.root.Open(dir + "/.")
	if err != nil {
		return err
	}
	defer d.Close()
	c, err := d.SyscallConn()
	if err != nil {
		return err
	}
	var timeErr error
	err = c.Control(func(fd uintptr) {
		ts := []unix.Timespec{timespec(atime), timespec(mtime)}
		timeErr = unix.UtimesNanoAt(int(fd), base, ts, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		return err
	}
	return timeErr
}
