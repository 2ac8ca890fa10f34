package execsink

import "golang.org/x/sys/unix"

// exit is nothing: reap asks for it.
type exit struct{}

// awaitExit returns when the program has ended and leaves it unreaped: as long as
// it is, the id of its group cannot be given to a stranger, who would be killed
// in its place.
func (p *process) awaitExit() {
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// reap returns how the program ended; call it once, after awaitExit.
func (p *process) reap() error { return p.cmd.Wait() }
