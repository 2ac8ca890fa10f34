//go:build unix

package localfs

import (
	"syscall"

	"sftpgo/vfs"
)

// kindOfErrno returns the sentinel for an errno, or nil when none fits.
func kindOfErrno(errno syscall.Errno) error {
	switch errno {
	case syscall.ENOENT:
		return vfs.ErrNotExist
	case syscall.EEXIST:
		return vfs.ErrExist
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ELOOP:
		return vfs.ErrPermission
	case syscall.EISDIR:
		return vfs.ErrIsDir
	case syscall.ENOTDIR:
		return vfs.ErrNotDir
	case syscall.ENOTEMPTY:
		return vfs.ErrNotEmpty
	case syscall.ENAMETOOLONG, syscall.EILSEQ:
		return vfs.ErrName
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EMLINK:
		return vfs.ErrNoSpace
	case syscall.EBUSY, syscall.ETXTBSY, syscall.EAGAIN:
		return vfs.ErrBusy
	case syscall.EIO, syscall.ESTALE, syscall.ENODEV, syscall.ETIMEDOUT, syscall.EHOSTDOWN, syscall.ENOTCONN,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM:
		return vfs.ErrUnavailable
	case syscall.EINVAL, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.EXDEV, syscall.ENXIO:
		return vfs.ErrUnsupported
	}
	return nil
}
