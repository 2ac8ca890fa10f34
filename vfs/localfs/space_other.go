//go:build !(linux || darwin || freebsd)

package localfs

import (
	"os"

	"sftpgo/vfs"
)

// spaceOf has nobody to ask here.
func spaceOf(*os.File) (vfs.Space, error) { return vfs.Space{}, vfs.ErrUnsupported }
