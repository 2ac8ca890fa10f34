package system

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sftpgo/protocols/session"
)

// The signals that a program gets.
const (
	terminate = syscall.SIGTERM
	kill      = syscall.SIGKILL
)

// signal sends to the process group. Before wait has returned there is one.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended by itself
}

// awaitExit waits for the end of the program, and leaves its process id taken.
func (p *process) awaitExit() {
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

func (p *process) exitStatus() (uint32, error) {
	ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return uint32(p.cmd.ProcessState.ExitCode()), nil
	}
	err := fmt.Errorf("ended by signal: %s", ws.Signal())
	if ws.Signal() == syscall.SIGXFSZ { // the limit of confine.Spec
		err = session.ErrQuota
	}
	return 128 + uint32(ws.Signal()), err
}

// pathOf returns where an open directory is now.
func pathOf(dir *os.File) (string, error) {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", dir.Fd()))
	if err == nil && (!strings.HasPrefix(path, "/") || strings.HasSuffix(path, " (deleted)")) {
		err = fmt.Errorf("%q: %w", path, os.ErrNotExist)
	}
	return path, err
}
