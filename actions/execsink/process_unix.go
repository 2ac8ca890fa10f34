//go:build unix

package execsink

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// process is a started program, the leader of its process group.
type process struct {
	cmd *exec.Cmd
}

// terminate asks the whole group to end. That nobody is left is no fault.
func (p *process) terminate() { _ = unix.Kill(-p.cmd.Process.Pid, unix.SIGTERM) }

// kill ends the whole group.
func (p *process) kill() { _ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) }

func mayExecute(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
}
