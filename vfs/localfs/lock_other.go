//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package localfs

import (
	"io/fs"
	"os"
	"time"
)

// idleUpload is how long a staged file must not have been written to before it
// counts as abandoned, where nothing better than its age can be asked.
const idleUpload = 24 * time.Hour

// lock does nothing: this system has no lock that ends with the process.
func lock(*os.File) {}

// abandoned goes by age.
func abandoned(_ *os.File, fi fs.FileInfo) bool {
	return time.Since(fi.ModTime()) > idleUpload
}
