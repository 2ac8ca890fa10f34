// Package execsink runs a program for each event: directly, without a shell, in
// its own process group, with a deadline. The program is always the same, or the
// one of a directory that has the name of the event.
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
	// Missing says what a directory of programs makes of an event that it has no
	// program for.
	Missing Missing
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

// Missing says what it means that a directory has no program for an event.
type Missing int

const (
	// MissingRefuses: the event is rejected, a question answered with no.
	MissingRefuses Missing = iota
	// MissingAccepts: the event needs nobody, a question is answered with yes.
	MissingAccepts
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

// Sink runs one program, or those of a directory. It is safe for concurrent use.
//
// A program gets the arguments and the environment that the format rendered,
// added to the environment of this process without its secrets (see
// Environment), or to what Config says. What the program writes is kept for the
// error, at most the last 4 KiB. Descendants of a program that ended in time may
// live on, as those of a hook that starts a job in the background do; at the
// deadline all that remain in its process group are killed.
type Sink struct {
	path   string
	dir    bool // path is a directory of programs
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
	if err := Check(path); err != nil {
		return nil, err
	}
	return newSink(path, f, cfg)
}

func newSink(path string, f actions.Format, cfg Config) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("program sink: %w", err)
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
func (s *Sink) String() string {
	if s.dir {
		return "programs in " + s.path
	}
	return "program " + s.path
}

// Limit is the longest that Deliver and Ask take once it is their turn.
func (s *Sink) Limit() time.Duration { return s.cfg.Timeout + s.cfg.Grace + outputDelay }

// Deliver runs the program. A status other than 0 is actions.ErrRejected; the
// output comes in an actions.OutputError.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	call, err := s.format.Render(e)
	if err != nil {
		return err
	}
	if err := s.run(ctx, call, nil); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
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

// run runs the program when it is its turn. Its standard output goes to said, or
// to the log with its standard error if that is nil.
func (s *Sink) run(ctx context.Context, call actions.Call, said *output) error {
	path, args, err := s.Program(call)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil || path == "" {
		said.discard()
		return err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		said.discard()
		return fmt.Errorf("not started, too many are running: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, fmt.Errorf("%w of %v", errTimeout, s.cfg.Timeout))
	defer cancel()

	variables, remove, err := spill(call.Env)
	if err != nil {
		said.discard()
		return fmt.Errorf("not started: %w", err)
	}
	defer remove()
	out, err := s.newOutput(theEnd)
	if err != nil {
		said.discard()
		return fmt.Errorf("not started: %w", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(slices.Clip(s.env), variables...) // of two with one name the last counts
	cmd.Stdout, cmd.Stderr = out.w, out.w
	if said != nil {
		cmd.Stdout = said.w
	}
	cmd.SysProcAttr = ownGroup()
	in, err := s.newInput(call.Body)
	if err == nil {
		cmd.Stdin = in.reader()
		err = cmd.Start()
		in.started()
		defer in.end()
	}
	out.w.Close()
	if said != nil {
		said.w.Close()
	}
	if err != nil {
		<-out.done
		return fmt.Errorf("not started: %w", err)
	}

	ended, err := wait(ctx, &process{cmd: cmd}, s.cfg.Grace)
	if !ended {
		// What escaped from the group must not keep the pipes.
		if said != nil {
			said.end()
		}
		return &actions.OutputError{Err: context.Cause(ctx), Output: out.end()}
	}
	if err == nil {
		if actions.ReceiptWanted(ctx) {
			actions.Received(ctx, actions.Receipt{Status: "exit status 0", Output: out.textWithin(receiptDelay)})
		}
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
