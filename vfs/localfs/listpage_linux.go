package localfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A large listing is half of what a client that shows a directory waits for, and most
// of it is the system's. So the system is asked as directly as it can be, and what it
// says is kept in one piece for many entries.

// pageBytes is what getdents64(2) returns at a time: some hundred names.
const pageBytes = 16 << 10

// The place of the length of a record, and of its name, in linux_dirent64.
const (
	recordLength = 16
	recordName   = 19
)

// names reads the next names; io.EOF comes without any.
func (r *reader) names() ([]string, error) {
	if r.buf == nil {
		r.buf = make([]byte, pageBytes)
	}
	n, err := ignoringEINTR(func() (int, error) { return unix.Getdents(int(r.d.Fd()), r.buf) })
	switch {
	case err != nil:
		return nil, fmt.Errorf("getdents64: %w", err)
	case n == 0:
		return nil, io.EOF
	}
	return namesIn(r.buf[:n])
}

var errDirent = errors.New("malformed entry of a directory")

// namesIn takes the names out of linux_dirent64 records. They share one string.
func namesIn(records []byte) ([]string, error) {
	all := string(records)
	names := make([]string, 0, len(records)/32)
	for at := 0; at < len(records); {
		if len(records)-at < recordName {
			return nil, errDirent
		}
		size := int(binary.NativeEndian.Uint16(records[at+recordLength:]))
		if size < recordName || size > len(records)-at {
			return nil, errDirent
		}
		end := bytes.IndexByte(records[at+recordName:at+size], 0)
		if end < 0 {
			return nil, errDirent
		}
		name := all[at+recordName : at+recordName+end]
		if strings.Contains(name, "/") { // it is about to be looked up
			return nil, errDirent
		}
		if name != "." && name != ".." {
			names = append(names, name)
		}
		at += size
	}
	return names, nil
}

// look looks at the entries. One that has vanished is left out.
func (r *reader) look(names []string) page {
	at := int(r.d.Fd())
	found := make([]listed, 0, len(names))
	p := page{infos: make([]fs.FileInfo, 0, len(names))}
	for _, name := range names {
		var st unix.Stat_t
		_, err := ignoringEINTR(func() (int, error) { return 0, unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			p.err = &fs.PathError{Op: "fstatat", Path: name, Err: err}
			break
		}
		found = append(found, listed{name: name, st: statOf(&st)})
		p.infos = append(p.infos, &found[len(found)-1])
	}
	return p
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// listed is an entry of a listing. It has no identity: that takes opening the file.
type listed struct {
	name string
	st   syscall.Stat_t
}

func (e *listed) Name() string       { return e.name }
func (e *listed) Size() int64        { return e.st.Size }
func (e *listed) IsDir() bool        { return e.st.Mode&unix.S_IFMT == unix.S_IFDIR }
func (e *listed) ModTime() time.Time { return time.Unix(e.st.Mtim.Unix()) }
func (e *listed) Sys() any           { return &e.st }
func (e *listed) FileID() string     { return "" }

// Names returns how many names the file has.
func (e *listed) Names() int {
	if e.IsDir() {
		return 1
	}
	return int(e.st.Nlink)
}

// Mode is the mode as package os tells it.
func (e *listed) Mode() fs.FileMode {
	mode := fs.FileMode(e.st.Mode & 0o777)
	switch e.st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	}
	if e.st.Mode&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if e.st.Mode&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if e.st.Mode&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// statOf is what package os would tell, which is of another package.
func statOf(st *unix.Stat_t) syscall.Stat_t {
	return syscall.Stat_t{
		Dev: st.Dev, Ino: st.Ino, Nlink: st.Nlink, Mode: st.Mode, Uid: st.Uid, Gid: st.Gid, Rdev: st.Rdev,
		Size: st.Size, Blksize: st.Blksize, Blocks: st.Blocks,
		Atim: syscall.Timespec(st.Atim), Mtim: syscall.Timespec(st.Mtim), Ctim: syscall.Timespec(st.Ctim),
	}
}
