package keyboard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"sftpgo/protocols/auth"
)

// Program lets a program ask: a process for each dialogue, in its own process
// group, that writes messages to standard output, one to a line, and reads
// answers from standard input, one to a line.
type Program struct {
	path string
	env  []string
}

var _ auth.Interviewer = (*Program)(nil)

// NewProgram returns an interviewer that runs the program at path, without a
// shell, with environ and the variables of the hook contract.
func NewProgram(path string, environ []string) *Program {
	return &Program{path: path, env: slices.Clip(environ)}
}

const (
	// endTime is how long a program may go on after its verdict.
	endTime = time.Second
	// stderrLimit is how much of what it writes there is kept for the log.
	stderrLimit = 4 << 10
)

// Interview implements auth.Interviewer. Nothing of the process group is left
// when it returns.
func (p *Program) Interview(ctx context.Context, c auth.Candidate, ask auth.Dialogue) error {
	run, err := p.start(ctx, c)
	if err != nil {
		return fmt.Errorf("hook not started: %w", err)
	}
	err = converse(ctx, run, c, ask)
	said := run.end()
	if errors.Is(err, errNoVerdict) && said != "" {
		return fmt.Errorf("%w; it says: %s", err, said)
	}
	return err
}

// run is one process.
type run struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	lines  *bufio.Reader
	errors *tail
	stop   func() bool // of the watch on ctx

	mu     sync.Mutex
	reaped bool // the id of the group may be somebody else's
}

func (p *Program) start(ctx context.Context, c auth.Candidate) (*run, error) {
	r := &run{errors: &tail{}}
	r.cmd = exec.Command(p.path)
	r.cmd.Env = append(p.env,
		"SFTPGO_AUTHD_USERNAME="+c.User, "SFTPGO_AUTHD_IP="+address(c), "SFTPGO_AUTHD_PASSWORD="+c.PasswordHash)
	r.cmd.Stderr = r.errors
	r.cmd.SysProcAttr = ownGroup()
	r.cmd.WaitDelay = endTime // for what escaped from the group and holds standard error
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, w, err := os.Pipe()
	if err != nil {
		r.in.Close()
		return nil, err
	}
	r.cmd.Stdout, r.out, r.lines = w, out, bufio.NewReaderSize(out, maxMessage)
	err = r.cmd.Start()
	w.Close()
	if err != nil {
		r.in.Close()
		out.Close()
		return nil, err
	}
	r.stop = context.AfterFunc(ctx, r.kill)
	return r, nil
}

// kill ends the whole group, and with it what waits for it to say something.
func (r *run) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reaped {
		killGroup(r.cmd.Process)
		r.out.SetReadDeadline(time.Now()) // what left the group may hold the pipe
	}
}

func (r *run) next(_ context.Context, _, answers []string) (message, error) {
	for _, answer := range answers {
		if _, err := io.WriteString(r.in, answer+lineEnd); err != nil {
			return message{}, errNoVerdict // it has ended
		}
	}
	line, err := r.lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return message{}, fmt.Errorf("the hook wrote a line of more than %d bytes", maxMessage)
	case err != nil && len(strings.TrimSpace(string(line))) == 0:
		return message{}, errNoVerdict
	}
	return parseMessage(line) // the last line may lack its end
}

// end waits for the process a little, kills its group and returns what it has
// written to standard error. The process is reaped only then: until it is, nobody
// else can have the id of its group.
func (r *run) end() string {
	r.in.Close()
	r.out.SetReadDeadline(time.Now().Add(endTime))
	_, _ = io.Copy(io.Discard, r.lines) // ends with the group or at the deadline
	r.stop()
	r.kill()
	r.mu.Lock()
	r.reaped = true
	r.mu.Unlock()
	_ = r.cmd.Wait() // how it ended does not matter: what it said does
	r.out.Close()
	return r.errors.text()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - stderrLimit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(t.kept)), "\uFFFD")
}
