//go:build !unix

package localfs

import "syscall"

// kindOfErrno leaves all to the standard sentinels that the errno knows itself.
func kindOfErrno(syscall.Errno) error { return nil }
