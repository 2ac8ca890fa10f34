//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// newStdio returns the stream to the client. A pipe or socket is put under the
// poller of the runtime, so that closing it ends a read that waits.
func newStdio() stdio { return stdio{pollable(os.Stdin), pollable(os.Stdout)} }

func pollable(f *os.File) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		return f // a terminal is shared with programs that expect it to block
	}
	fd := int(f.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// isPrivate reports whether only the user of this process may use a directory.
func isPrivate(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
