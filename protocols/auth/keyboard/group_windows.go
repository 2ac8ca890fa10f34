package keyboard

import (
	"os"
	"syscall"
)

const lineEnd = "\r\n"

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup ends the process itself; its descendants live on.
func killGroup(leader *os.Process) { _ = leader.Kill() }
