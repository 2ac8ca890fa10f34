//go:build unix

package keyboard

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const lineEnd = "\n"

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the group that leader leads. That nobody is left is no fault.
func killGroup(leader *os.Process) { _ = unix.Kill(-leader.Pid, unix.SIGKILL) }
