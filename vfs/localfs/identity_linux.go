package localfs

import (
	"encoding/hex"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// identify is Lstat with the identity. O_PATH opens nothing, so a FIFO does not
// block, a device does not notice and no permission on the file is needed.
func (t *tree) identify(rel string) (*info, error) { return identifyIn(t.root, rel) }

func identifyIn(dir *os.Root, rel string) (*info, error) {
	f, err := dir.OpenFile(rel, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return infoOf(f)
}

// infoOf is the state of an open file.
func infoOf(f *os.File) (*info, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	c, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	i := &info{FileInfo: fi, name: fi.Name()}
	err = c.Control(func(fd uintptr) { i.id = identity(int(fd), fi) })
	return i, err
}

// identity prefers the file handle, which has the generation of the inode; then
// the time of birth, which a new file in the same inode shares only within one
// tick of the clock. The device is left out of both: its number may change when
// the host starts, which is when crash recovery compares.
func identity(fd int, fi fs.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	if h, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH); err == nil {
		return "h" + strconv.FormatInt(int64(h.Type()), 16) + "-" + hex.EncodeToString(h.Bytes())
	}
	ino := strconv.FormatUint(st.Ino, 16)
	var x unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &x); err == nil && x.Mask&unix.STATX_BTIME != 0 {
		return "b" + ino + "-" + strconv.FormatInt(x.Btime.Sec, 16) + "." + strconv.FormatUint(uint64(x.Btime.Nsec), 16)
	}
	return "d" + strconv.FormatUint(uint64(st.Dev), 16) + "-" + ino
}
