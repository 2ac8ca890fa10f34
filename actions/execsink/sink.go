// Package execsink runs a program for each event: directly, without a shell, in
// its own process group, with a deadline.
package execsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"sftpgo/actions"
)

// Config bounds what programs may use.
type Config struct {
	Timeout    time.Duration // of one run; then the whole process group is ended
	Grace      time.Duration // between the request to end (SIGTERM) and SIGKILL
	MaxRunning int           // programs at the same time; more wait for their turn
	// Stdin says what a program reads.
	Stdin Stdin
	// Inherit are the variables that a program gets beside those of the format, as
	// from Environment or CleanEnvironment. Nil: Environment of this process.
	Inherit []string
}

// Stdin says what a program reads from its standard input.
type Stdin int

const (
	// StdinEmpty: the end of the file.
	StdinEmpty Stdin = iota
	// StdinBody: the body that the format rendered, as a line.
	StdinBody
)

// DefaultConfig returns the limits of the action contract.
func DefaultConfig() Config {
	return Config{Timeout: 30 * time.Second, Grace: 2 * time.Second, MaxRunning: 32}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout: %v is not positive", c.Timeout))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace: %v is negative", c.Grace))
	}
	if c.MaxRunning <= 0 {
		errs = append(errs, fmt.Errorf("max running: %d is not positive", c.MaxRunning))
	}
	return errors.Join(errs...)
}

// Sink runs one program. It is safe for concurrent use.
//
// The program gets the arguments and the environment that the format rendered,
// added to the environment of this process without its secrets (see
// Environment), or to what Config says. What the program writes is kept for the
// error, at most the last 4 KiB. Descendants of a program that ended in time may
// live on, as those of a hook that starts a job in the background do; at the
// deadline all that remain in its process group are killed.
type Sink struct {
	path   string
	format actions.Format
	cfg    Config
	env    []string
	turn   chan struct{} // one element per running program

	mu      sync.Mutex
	closed  bool
	outputs map[*os.File]struct{} // being read
	readers sync.WaitGroup
}

var (
	_ actions.Sink  = (*Sink)(nil)
	_ actions.Asker = (*Sink)(nil)
)

// New returns a sink for the program at path, or what Check says of it.
func New(path string, f actions.Format, cfg Config) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("program sink: %w", err)
	}
	if err := Check(path); err != nil {
		return nil, err
	}
	if cfg.Inherit == nil {
		cfg.Inherit = Environment(os.Environ())
	}
	return &Sink{
		path:    path,
		format:  f,
		cfg:     cfg,
		env:     cfg.Inherit,
		turn:    make(chan struct{}, cfg.MaxRunning),
		outputs: make(map[*os.File]struct{}),
	}, nil
}

// String describes the sink in one line.
func (s *Sink) String() string { return "program " + s.path }

// Limit is the longest that Deliver and Ask take once it is their turn.
func (s *Sink) Limit() time.Duration { return s.cfg.Timeout + s.cfg.Grace + outputDelay }

// Deliver runs the program. A status other than 0 is actions.ErrRejected; the
// output comes in an actions.OutputError.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	call, err := s.format.Render(e)
	if err != nil {
		return err
	}
	if err := s.run(ctx, call); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}

// Ask runs the program and reports whether its status was 0.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (bool, error) {
	err := s.Deliver(ctx, e)
	if errors.Is(err, actions.ErrRejected) {
		return false, nil
	}
	return err == nil, err
}

// Close stops listening to what descendants of earlier runs may still write. Call
// it when no Deliver or Ask is running any more.
func (s *Sink) Close() error {
	s.mu.Lock()
	s.closed = true
	for f := range s.outputs {
		f.Close()
	}
	s.mu.Unlock()
	s.readers.Wait()
	return nil
}

// errTimeout is the cause of a context that ended at the limit of a run.
var errTimeout = errors.New("killed at the time limit")

func (s *Sink) run(ctx context.Context, call actions.Call) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("not started, too many are running: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, fmt.Errorf("%w of %v", errTimeout, s.cfg.Timeout))
	defer cancel()

	out, err := s.newOutput()
	if err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	cmd := exec.Command(s.path, call.Args...)
	cmd.Env = append(slices.Clip(s.env), call.Env...) // of two with one name the last counts
	cmd.Stdout, cmd.Stderr = out.w, out.w
	cmd.SysProcAttr = ownGroup()
	in, err := s.newInput(call.Body)
	if err == nil {
		cmd.Stdin = in.reader()
		err = cmd.Start()
		in.started()
		defer in.end()
	}
	out.w.Close()
	if err != nil {
		<-out.done
		return fmt.Errorf("not started: %w", err)
	}

	ended, err := wait(ctx, &process{cmd: cmd}, s.cfg.Grace)
	if !ended {
		// What escaped from the group must not keep the pipe.
		return &actions.OutputError{Err: context.Cause(ctx), Output: out.end()}
	}
	if err == nil {
		return nil
	}
	return &actions.OutputError{Err: outcome(err), Output: out.text()}
}

// wait returns when the program has ended; false says that it had to be made to.
func wait(ctx context.Context, p *process, grace time.Duration) (ended bool, err error) {
	exited := make(chan struct{})
	var reap func() error
	go func() {
		defer close(exited)
		reap = p.awaitExit()
	}()
	select {
	case <-exited:
		return true, reap()
	case <-ctx.Done():
	}
	p.terminate()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-exited:
	case <-timer.C:
	}
	p.kill() // also what the program left behind when it obeyed
	<-exited
	return false, reap()
}

// outcome tells an answer of the program from an accident.
func outcome(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return fmt.Errorf("%w: %w", actions.ErrRejected, err)
	}
	return err
}
