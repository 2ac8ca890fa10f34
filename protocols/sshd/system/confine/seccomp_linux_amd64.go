package confine

import "golang.org/x/sys/unix"

// olderModeCalls are those that newer architectures do not have.
func olderModeCalls() map[uint32]uint32 {
	return map[uint32]uint32{unix.SYS_CHMOD: 1, unix.SYS_OPEN: 2, unix.SYS_CREAT: 1, unix.SYS_MKNOD: 1}
}
