//go:build !linux

package execsink

// exit is what Wait said: here it cannot be separated from awaitExit.
type exit struct{ err error }

// awaitExit returns when the program has ended.
func (p *process) awaitExit() { p.err = p.cmd.Wait() }

// reap returns how the program ended; call it once, after awaitExit.
func (p *process) reap() error { return p.err }
