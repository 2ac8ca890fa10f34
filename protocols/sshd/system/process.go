package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/system/confine"
)

const (
	// parting is how long a program may take to clean up after it was told to end.
	parting = 5 * time.Second
	// lastWords is how long the client may take to read what a program said, when
	// the session is over.
	lastWords = 5 * time.Second
)

var errNotStarted = errors.New("the program could not be confined")

// process is a program that runs confined, in a process group of its own.
type process struct {
	cmd      *exec.Cmd
	in       *os.File // its standard streams, our ends
	out, err *os.File
	status   *os.File
}

// start starts the helper that is to become what spec says. trees are the open
// directories of spec.Trees.
func start(helper []string, spec confine.Spec, trees []*os.File) (_ *process, err error) {
	var ours, theirs []*os.File
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ours)
		}
	}()
	pipe := func(weRead bool) (our, their *os.File) {
		r, w, perr := os.Pipe()
		if perr != nil {
			err = errors.Join(err, perr)
			return nil, nil
		}
		our, their = w, r
		if weRead {
			our, their = r, w
		}
		ours, theirs = append(ours, our), append(theirs, their)
		return our, their
	}
	p := &process{cmd: exec.Command(helper[0], helper[1:]...)}
	var specIn, specOut, statusIn, in, out, errs *os.File
	p.in, in = pipe(false)
	p.out, out = pipe(true)
	p.err, errs = pipe(true)
	specOut, specIn = pipe(false)
	p.status, statusIn = pipe(true)
	if err != nil {
		return nil, err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, out, errs
	p.cmd.ExtraFiles = confine.Files(specIn, statusIn, trees)
	p.cmd.Env = []string{} // the helper needs nothing
	p.cmd.SysProcAttr = confine.Attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	closeAll(theirs)
	theirs = nil
	encErr := json.NewEncoder(specOut).Encode(spec)
	specOut.Close()
	text, readErr := io.ReadAll(io.LimitReader(p.status, 4096))
	p.status.Close()
	if len(text) > 0 || encErr != nil || readErr != nil {
		p.signal(kill)
		_, _ = p.wait() // it says nothing more
		return nil, fmt.Errorf("%w: %s", errNotStarted, errors.Join(encErr, readErr, errors.New(string(text))))
	}
	return p, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (p *process) closeStreams() { closeAll([]*os.File{p.in, p.out, p.err}) }

// wait waits for the end, and ends whatever the program has left behind in its
// process group. It returns the exit status; of a program that was ended by a
// signal as shells tell it.
func (p *process) wait() (uint32, error) {
	p.awaitExit()
	p.signal(kill) // the group exists as long as its first process is not reaped
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	return p.exitStatus()
}

// execute runs the program to its end between the client and the trees.
func (j *job) execute() (uint32, error) {
	p, err := j.start()
	if err != nil {
		j.s.Log().Error("a command could not be run", "command", j.p.name, "error", err)
		j.tell("not available on this server")
		return 1, err
	}
	defer p.closeStreams()
	// It ends when the client has nothing more to say or the program does not
	// listen; or else with the channel, which is closed after this.
	go j.feed(p)
	var output sync.WaitGroup
	output.Go(func() { j.drain(j.st.Out, p.out) })
	output.Go(func() { j.drain(j.st.Err, p.err) })

	type result struct {
		status uint32
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		status, err := p.wait()
		ended <- result{status, err}
	}()
	var r result
	select {
	case r = <-ended:
	case <-j.x.Context().Done():
		p.signal(terminate)
		select {
		case r = <-ended:
		case <-time.After(parting):
			p.signal(kill)
			r = <-ended
		}
	}
	j.awaitOutput(&output, p)
	return j.verdict(r.status, r.err)
}

// verdict is how the command ended: what the program says, unless it was ended.
func (j *job) verdict(status uint32, err error) (uint32, error) {
	cause := context.Cause(j.x.Context())
	switch {
	case errors.Is(cause, session.ErrQuota) || errors.Is(err, session.ErrQuota):
		j.tell("quota exceeded")
		return max(status, 1), fmt.Errorf("%s: %w", j.p.name, session.ErrQuota)
	case cause != nil && status != 0:
		return status, fmt.Errorf("%s: %w", j.p.name, cause)
	}
	return status, err
}

// awaitOutput waits until the client has all that the program said, or cannot get
// it any more.
func (j *job) awaitOutput(output *sync.WaitGroup, p *process) {
	done := make(chan struct{})
	go func() {
		output.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-j.x.Context().Done():
	}
	select {
	case <-done:
	case <-time.After(lastWords):
		p.closeStreams()
	}
}

func (j *job) start() (*process, error) {
	u := j.s.User()
	spec := confine.Spec{
		Program: j.p.binary.path, Args: j.args, Env: j.p.binary.environment(u.Username), Execute: j.p.binary.execute,
		UID: u.UID, GID: u.GID, MaxFile: j.x.MaxFileSize(),
	}
	var dirs []*os.File
	for _, t := range j.x.Trees() {
		host, err := pathOf(t.Dir)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, t.Dir)
		spec.Trees = append(spec.Trees, confine.Tree{Host: host, Name: t.Name, Write: j.x.Writes()})
	}
	return start(j.p.helper, spec, dirs)
}

const pieceSize = 32 << 10

// feed gives the program what the client sends.
func (j *job) feed(p *process) {
	defer p.in.Close()
	b := make([]byte, pieceSize)
	for {
		n, err := j.st.In.Read(b)
		if n > 0 {
			if j.x.Received(n) != nil {
				return
			}
			if _, werr := p.in.Write(b[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// drain gives the client what the program says. When the client takes no more, the
// program finds its pipe closed.
func (j *job) drain(to io.Writer, from *os.File) {
	defer from.Close()
	b := make([]byte, pieceSize)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if j.x.Sent(n) != nil {
				// What is left is for nobody, but a last word may explain the end.
				if _, werr := to.Write(b[:n]); werr != nil {
					return
				}
			} else if _, werr := to.Write(b[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
