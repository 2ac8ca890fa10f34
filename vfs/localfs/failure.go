package localfs

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"syscall"

	"sftpgo/vfs"
)

// failure is every error that leaves this package. Its text has the operation,
// the virtual name and the bare cause, so it may be shown; what the operating
// system said, with its paths, is reached by errors.As and by the log only.
//
// errors.Is sees the sentinel and not the errno: syscall.ENOTEMPTY would answer
// to fs.ErrExist as well, and each failure must have one meaning.
type failure struct {
	op, name string
	kind     error // a sentinel of vfs, a context error, or the bare cause
	cause    error // without paths
	raw      error
}

func (f *failure) Error() string {
	return f.op + " " + strconv.Quote(f.name) + ": " + f.cause.Error()
}

func (f *failure) Unwrap() error { return f.kind }

// As lets errors.As look into what the operating system said.
func (f *failure) As(target any) bool { return errors.As(f.raw, target) }

// LogValue is the text with the message of the operating system behind it.
func (f *failure) LogValue() slog.Value {
	if f.raw == f.cause || f.raw == f.kind {
		return slog.StringValue(f.Error())
	}
	return slog.StringValue(f.Error() + " (" + f.raw.Error() + ")")
}

// fail wraps err; nil stays nil, and an error of this package stays as it is.
func (t *tree) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := err.(*failure); ok {
		return f
	}
	cause := bare(err)
	kind := t.kindOf(cause)
	if kind == nil {
		kind = cause
	}
	return &failure{op: op, name: name, kind: kind, cause: cause, raw: err}
}

// refuse is fail for what this package itself refuses.
func refuse(op, name string, kind error, why string) error {
	cause := kind
	if why != "" {
		cause = errors.New(why)
	}
	return &failure{op: op, name: name, kind: kind, cause: cause, raw: cause}
}

// bare takes off the wrappers that carry paths of the host.
func bare(err error) error {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}

// kindOf returns the sentinel for a bare cause, or nil when none fits.
func (t *tree) kindOf(cause error) error {
	if errno, ok := cause.(syscall.Errno); ok {
		if kind := kindOfErrno(errno); kind != nil {
			return kind
		}
	}
	if cause == t.escape {
		return vfs.ErrPermission
	}
	for _, kind := range []error{
		context.Canceled, context.DeadlineExceeded, fs.ErrClosed,
		vfs.ErrName, vfs.ErrIsDir, vfs.ErrNotDir, vfs.ErrNotEmpty, vfs.ErrNoSpace, vfs.ErrBusy, vfs.ErrUnavailable,
		vfs.ErrNotExist, vfs.ErrExist, vfs.ErrPermission, vfs.ErrUnsupported,
	} {
		if errors.Is(cause, kind) {
			return kind
		}
	}
	return nil
}
