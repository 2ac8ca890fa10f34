package execsink

import "golang.org/x/sys/unix"

// awaitExit returns when the program has ended and leaves it unreaped: as long as
// it is, the id of its group cannot be given to a stranger, who would be killed
// in its place. reap returns how it ended; call it once.
func (p *process) awaitExit() (reap func() error) {
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return p.cmd.Wait
		}
	}
}
