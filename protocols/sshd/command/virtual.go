package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
)

// Virtual returns the commands that need no program of the host.
func Virtual() []Command {
	all := []Command{
		virtual{"cd", nothing},
		virtual{"pwd", workingDirectory},
		virtual{copyName, copyTree},
		virtual{removeName, removeTree},
	}
	for _, h := range hashes() {
		all = append(all, virtual{h.name, h.run})
	}
	return all
}

// virtual is a command and what it does. run has told the client of the error
// that it returns.
type virtual struct {
	name string
	run  func(ctx context.Context, c *call) error
}

var _ Command = virtual{}

// Name implements Command.
func (v virtual) Name() string { return v.name }

// Run implements Command.
func (v virtual) Run(ctx context.Context, s *session.Session, args []shellword.Word, st Stream) uint32 {
	err := v.run(ctx, &call{command: v.name, s: s, args: texts(args), Stream: st})
	name, target := Names(v.name, args)
	s.CommandDone(ctx, st.Line, name, target, err)
	if err != nil {
		return 1
	}
	return 0
}

// call is one run of a command.
type call struct {
	Stream
	command string
	s       *session.Session
	args    []string
}

// answer writes the result. A client that is not there to read it has not got
// what it asked for.
func (c *call) answer(format string, values ...any) error {
	if _, err := fmt.Fprintf(c.Out, format, values...); err != nil {
		return fmt.Errorf("%s: write the answer: %w", c.command, err)
	}
	return nil
}

// fail tells the client why it did not work for a name, and returns err.
func (c *call) fail(name string, err error) error {
	c.tell(name, reason(err), name, protocols.StatusOf(err).Text)
	return err
}

// misuse tells the client what is wrong with its arguments.
func (c *call) misuse(text string) error {
	c.tell(c.last(), reasonOther, "", text)
	return fmt.Errorf("%s: %s", c.command, text)
}

// tell writes an error. Scripts read standard output, where the reason is one of
// a few words; people are told more on the standard error.
func (c *call) tell(name, word, subject, text string) {
	if name != "" {
		name += " "
	}
	if subject != "" {
		subject += ": "
	}
	// A client that has gone is not told.
	_, _ = io.WriteString(c.Out, c.command+": "+Printable(name+word)+"\n")
	_, _ = io.WriteString(c.Err, c.command+": "+Printable(subject+text)+"\n")
}

// last is the argument that a failure without a name of its own is told with.
func (c *call) last() string {
	if len(c.args) == 0 {
		return ""
	}
	return absolute(c.args[len(c.args)-1])
}

// The reasons that scripts know.
const (
	reasonNotExist    = "no such file or directory"
	reasonPermission  = "permission denied"
	reasonUnsupported = "operation unsupported"
	reasonQuota       = "denying write due to space limit"
	reasonOther       = "failure"
)

func reason(err error) string {
	if errors.Is(err, session.ErrQuota) {
		return reasonQuota
	}
	switch protocols.StatusOf(err).SFTP {
	case protocols.SFTPNoSuchFile:
		return reasonNotExist
	case protocols.SFTPPermissionDenied:
		return reasonPermission
	case protocols.SFTPOpUnsupported:
		return reasonUnsupported
	}
	return reasonOther
}
