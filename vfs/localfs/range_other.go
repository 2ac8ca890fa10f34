//go:build !linux

package localfs

import (
	"context"

	"sftpgo/vfs"
)

// CopyRange knows no call of this system.
func (f *File) CopyRange(context.Context, vfs.File, int64, int64, int64) (int64, error) {
	return 0, refuse("copy", f.name, vfs.ErrUnsupported, "not on this system")
}
