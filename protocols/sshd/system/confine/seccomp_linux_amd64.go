package confine

import "golang.org/x/sys/unix"

// modeCalls are those that newer architectures do not have.
func modeCalls() []modeCall {
	return []modeCall{{unix.SYS_CHMOD, 1}, {unix.SYS_OPEN, 2}, {unix.SYS_CREAT, 1}, {unix.SYS_MKNOD, 1}}
}
