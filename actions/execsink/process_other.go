//go:build !linux

package execsink

// awaitExit returns when the program has ended.
func (p *process) awaitExit() { p.err = p.cmd.Wait() }

// reap returns how the program ended; call it once, after awaitExit.
func (p *process) reap() error { return p.err }
