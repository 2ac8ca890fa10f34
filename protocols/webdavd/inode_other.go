//go:build !unix

package webdavd

import "io/fs"

// inode is 0: this system has none that a listing would tell.
func inode(fs.FileInfo) uint64 { return 0 }
