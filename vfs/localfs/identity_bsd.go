//go:build darwin || freebsd || netbsd

package localfs

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// identify is Lstat with the identity.
func (t *tree) identify(rel string) (*info, error) { return identifyIn(t.root, rel) }

func identifyIn(dir *os.Root, rel string) (*info, error) {
	fi, err := dir.Lstat(rel)
	if err != nil {
		return nil, err
	}
	return &info{FileInfo: fi, name: fi.Name(), id: identity(fi)}, nil
}

// infoOf is the state of an open file.
func infoOf(f *os.File) (*info, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &info{FileInfo: fi, name: fi.Name(), id: identity(fi)}, nil
}

// identity is the inode and its time of birth. The device is left out: its
// number may change when the host starts, which is when crash recovery compares.
func identity(fi fs.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return "b" + strconv.FormatUint(uint64(st.Ino), 16) + "-" + strconv.FormatInt(st.Birthtimespec.Nano(), 16)
}
