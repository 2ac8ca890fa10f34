package localfs

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"sftpgo/vfs"
)

// CopyRange copies within the kernel, on file systems that can by sharing blocks.
func (f *File) CopyRange(ctx context.Context, dst vfs.File, srcOff, dstOff, n int64) (total int64, err error) {
	to, ok := dst.(*File)
	if !ok {
		return 0, refuse("copy", f.name, vfs.ErrUnsupported, "to other storage")
	}
	for total < n {
		if err := f.ready("read", vfs.Read); err != nil {
			return total, err
		}
		if err := to.ready("write", vfs.Write); err != nil {
			return total, err
		}
		if err := ctx.Err(); err != nil {
			return total, f.fail("copy", err)
		}
		m, err := copyRange(f.f, to.f, srcOff+total, dstOff+total, min(n-total, piece))
		total += m
		switch {
		case err != nil && total == 0 && !rangeFailed(err):
			return 0, refuse("copy", f.name, vfs.ErrUnsupported, bare(err).Error())
		case err != nil:
			return total, to.fail("copy", err)
		case m == 0:
			return total, nil
		}
	}
	return total, nil
}

// copyRange is one copy_file_range(2).
func copyRange(src, dst *os.File, srcOff, dstOff, n int64) (int64, error) {
	from, err := src.SyscallConn()
	if err != nil {
		return 0, err
	}
	to, err := dst.SyscallConn()
	if err != nil {
		return 0, err
	}
	var copied int
	var callErr error
	err = from.Control(func(in uintptr) {
		err := to.Control(func(out uintptr) {
			for callErr = unix.EINTR; callErr == unix.EINTR; {
				copied, callErr = unix.CopyFileRange(int(in), &srcOff, int(out), &dstOff, int(n), 0)
			}
		})
		if err != nil {
			callErr = err
		}
	})
	if err == nil {
		err = callErr
	}
	return int64(max(copied, 0)), err
}

// rangeFailed tells failures of the files from those of the call: a kernel or a
// file system that does not know it, or will not between these two.
func rangeFailed(err error) bool {
	switch bare(err) {
	case unix.ENOSYS, unix.EXDEV, unix.EINVAL, unix.EOPNOTSUPP, unix.EPERM, unix.EBADF, unix.EOVERFLOW:
		return false
	}
	return true
}
