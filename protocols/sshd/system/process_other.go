//go:build !linux

package system

import (
	"os"
	"syscall"
)

// Nothing runs here: confine.Check has an error.
const (
	terminate = syscall.SIGTERM
	kill      = syscall.SIGKILL
)

func (p *process) signal(syscall.Signal) { _ = p.cmd.Process.Kill() }

func (p *process) awaitExit() {}

func (p *process) exitStatus() (uint32, error) { return uint32(p.cmd.ProcessState.ExitCode()), nil }

func pathOf(dir *os.File) (string, error) { return dir.Name(), nil }
