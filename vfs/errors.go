package vfs

import (
	"errors"
	"io/fs"
)

// The sentinels that backends wrap. The first four are the standard ones, so
// that code which has never heard of this package understands them.
var (
	ErrNotExist    = fs.ErrNotExist
	ErrExist       = fs.ErrExist
	ErrPermission  = fs.ErrPermission
	ErrUnsupported = errors.ErrUnsupported

	ErrName        = errors.New("name not allowed")
	ErrIsDir       = errors.New("is a directory")
	ErrNotDir      = errors.New("not a directory")
	ErrNotEmpty    = errors.New("directory not empty")
	ErrNoSpace     = errors.New("no space left")
	ErrBusy        = errors.New("in use")
	ErrUnavailable = errors.New("storage unavailable") // worth a retry
)
