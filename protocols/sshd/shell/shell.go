// Package shell answers the commands that clients of the legacy copy protocol
// type into a "shell" channel (RFC 4254, 6.5). WinSCP's file protocol SCP, and
// those of other file managers, know only how to copy a file; they list, rename
// and remove with the commands of a Unix account, and start scp in between.
//
// This is no shell: it reads lines, cuts them into commands, and each command is
// a value of this program that works on a session. Nothing is started, and
// nothing is expanded but the status of the last command and "~".
//
// What clients send is known from the documentation of WinSCP
// (winscp.net/eng/docs/requirements, protocols and ui_login_scp), from a session log
// in a public issue thread, and from what other servers take from it: scponly (BSD
// licence) and Apache MINA SSHD (Apache License).
package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/scp"
	"sftpgo/protocols/sshd/shellword"
)

// Limits that no client can change. A name of 4096 bytes may need four times as
// many when all of it is quoted; mv has two.
const (
	maxLine     = scp.InputBuffer // bytes of a line with what continues it
	maxPieces   = 64              // lines that an open quote makes one
	maxCommands = 32              // of one line
)

// Exit statuses, as shells have them.
const (
	statusOK       = 0
	statusFailed   = 1
	statusMisuse   = 2
	statusNotFound = 127
)

// Copier is scp. Copy returns an error that wraps scp.ErrStream when the streams
// are of no more use.
type Copier interface {
	Copy(ctx context.Context, s *session.Session, args []shellword.Word, st command.Stream) error
}

// Config is what the lines may call besides the commands of this package.
type Config struct {
	// Commands are the SSH commands that clients may run, by name, but for scp and
	// those that start a program.
	Commands map[string]command.Command
	SCP      Copier
	// Greeting is shown first, for people; empty is none.
	Greeting string
}

// Stream is the channel.
type Stream struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run answers lines until the client sends no more, says exit or ctx is done,
// which is that of s or ends before it. It returns the exit status: that of the
// last command, as a shell does.
func Run(ctx context.Context, s *session.Session, cfg Config, st Stream) uint32 {
	raw := &writer{Writer: st.Out}
	sh := &shell{
		cfg: cfg, s: s, dir: "/", builtins: builtins(),
		in: bufio.NewReaderSize(st.In, scp.InputBuffer), out: bufio.NewWriterSize(raw, 16<<10), raw: raw, err: &writer{Writer: st.Err},
	}
	if cfg.Greeting != "" {
		sh.complain(cfg.Greeting)
	}
	for !sh.ended() && ctx.Err() == nil {
		if err := sh.line(ctx); err != nil {
			if !errors.Is(err, io.EOF) {
				s.Log().Debug("end of the lines of a client", "error", err)
			}
			break
		}
	}
	sh.flush()
	return sh.status
}

// shell is one client.
type shell struct {
	cfg      Config
	s        *session.Session
	builtins map[string]builtin
	in       *bufio.Reader
	out      *bufio.Writer
	raw      *writer // below out
	err      *writer

	dir    string // current directory, a clean absolute name
	status uint32 // of the last command
	done   bool
}

// ended reports whether no more lines are to be carried out. A client that takes no
// answers has gone, and who knows whether it still means what it has sent before.
func (sh *shell) ended() bool { return sh.done || sh.raw.failed || sh.err.failed }

// writer notes that a write has failed.
type writer struct {
	io.Writer
	failed bool
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.failed = true
	}
	return n, err
}

// line reads and carries out one line.
func (sh *shell) line(ctx context.Context) error {
	steps, err := sh.read()
	sh.s.Touch()
	if errors.Is(err, errSyntax) || errors.Is(err, errLong) {
		sh.misread(err)
	}
	if err != nil && !errors.Is(err, errSyntax) {
		return err
	}
	for _, st := range steps {
		if st.needs && sh.status != statusOK {
			continue
		}
		if sh.step(ctx, st); sh.ended() || ctx.Err() != nil {
			break
		}
	}
	sh.flush()
	return nil
}

// misread tells why nothing of a line was done.
func (sh *shell) misread(err error) {
	sh.complain(err.Error())
	sh.status = statusMisuse
}

// step carries out one command.
func (sh *shell) step(ctx context.Context, st step) {
	text := expand(st.text, sh.status)
	words, err := shellword.Split(text)
	if err = errors.Join(st.fault, err); err != nil {
		sh.misread(err)
		return
	}
	if len(words) == 0 {
		return
	}
	c := &call{shell: sh, text: text, name: words[0].Text, args: words[1:]}
	switch run, ok := sh.builtins[c.name]; {
	case ok:
		sh.status = run(ctx, c)
	case c.name == "scp":
		sh.status = c.copyFiles(ctx)
	default:
		sh.status = c.sshCommand(ctx)
	}
}

// complain writes a line to the standard error, after all that was answered.
func (sh *shell) complain(text string) {
	sh.flush()
	// That a client has gone is noted below.
	_, _ = io.WriteString(sh.err, command.Printable(text)+"\n")
}

// flush sends the answers. A failure is noted below.
func (sh *shell) flush() { _ = sh.out.Flush() }

// builtin carries out one command and returns its status.
type builtin func(ctx context.Context, c *call) uint32

func builtins() map[string]builtin {
	return map[string]builtin{
		// What clients set up and never look at.
		"alias": nothing, "unalias": nothing, "unset": nothing, "export": nothing, "true": nothing, ":": nothing,
		"false": failing, "exit": exit, "logout": exit,
		"echo": echo, "groups": groups, "whoami": groups, "printenv": printenv, "date": date, "help": help,
		"pwd": workingDirectory, "cd": changeDirectory, "ls": list,
		"mkdir": makeDirectories, "rmdir": removeDirectories, "rm": remove, "mv": move, "ln": link, "cp": duplicate,
		"chmod": changeMode, "chown": changeOwner, "chgrp": changeGroup,
	}
}

// errLong ends the session: where the next line begins is not known.
var errLong = fmt.Errorf("line longer than %d bytes", maxLine)
