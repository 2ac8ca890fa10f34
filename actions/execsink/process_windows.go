package execsink

import (
	"os/exec"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// process is a started program.
type process struct {
	cmd *exec.Cmd
}

// terminate does nothing: Windows has no request to end that a program without a
// console window would hear.
func (p *process) terminate() {}

// kill ends the program itself; its descendants live on.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// mayExecute: the name's extension decides at the start of the program.
func mayExecute(string) error { return nil }
