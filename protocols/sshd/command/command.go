// Package command is the commands that a client may run over SSH (RFC 4254,
// 6.5). There is no shell: a command is a value of this program that works on a
// session, or a confined call of an external program (see package system). The
// configuration says which are enabled.
package command

import (
	"context"
	"io"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
)

// Stream is the channel that a command runs in.
type Stream struct {
	// Line is the command line, for the log. It begins with the name.
	Line string

	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Command is one program that clients may call. It is safe for concurrent use.
type Command interface {
	// Name is what the client types, and what events call it.
	Name() string
	// Run runs the command with its arguments, without its name, to the end and
	// returns the exit status: 0 says that it succeeded. It has told the client
	// of errors, emits the event of the command, and stops when ctx, which is
	// that of the session or ends before it, is done.
	Run(ctx context.Context, s *session.Session, args []shellword.Word, st Stream) uint32
}
