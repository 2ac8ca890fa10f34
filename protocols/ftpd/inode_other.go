//go:build !unix

package ftpd

import "io/fs"

// uniqueOf is "": a FileInfo of this system does not tell one file from another.
func uniqueOf(fs.FileInfo) string { return "" }
