//go:build !linux

package execsink

// awaitExit returns when the program has ended. reap returns how.
func (p *process) awaitExit() (reap func() error) {
	err := p.cmd.Wait()
	return func() error { return err }
}
