package session

import (
	"context"
	"strings"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// protocolSSH is what events of SSH commands name.
const protocolSSH = "SSH"

// CommandDone records that an SSH command has ended: the event for the hooks and
// a line in the log. command is the command line; the event has its first word
// only. name is what it worked on and target where it copied to, as the client
// gave them; empty is none. What is no valid name is told as given. err is how it
// ended: nil is success, ErrQuota and what wraps it has a status of its own.
//
// It is called after the client has what the command says, but not its status, and
// does not end with ctx.
func (s *Session) CommandDone(ctx context.Context, command, name, target string, err error) {
	e := s.event(ctx, actions.SSHCommand, "")
	e.Session.Protocol = protocolSSH
	e.Object.SSHCommand, _, _ = strings.Cut(command, " ")
	e.Object.Name, e.Object.Path = s.operand(name)
	e.Object.Target, e.Object.TargetPath = s.operand(target)
	if err != nil {
		fail(&e, err)
	}
	s.m.metrics.CommandDone(err)
	if err != nil {
		s.log.Info("command failed", "ssh_command", shorten(command), "error", err)
	} else {
		s.RecordCommand(command, e.Object.Name, e.Object.Target)
	}
	settle, cancel := detached(ctx)
	defer cancel()
	var line inLine
	defer s.linger(ctx, &line)
	if err := s.m.journal.settle(settle, 0, &e, "", noAmount, along{line: &line}); err != nil {
		s.log.Error("event of a command waits for the data store", "command", e.Object.SSHCommand, "error", err)
	}
}

// RecordCommand writes the line of the log that tells of an SSH command that
// succeeded, and nothing else: it is for scp, whose files have events of their own.
// name and target are virtual.
func (s *Session) RecordCommand(command, name, target string) {
	// Log parsers know these two paths as virtual ones.
	at := operands{name: name, target: target, path: name, targetPath: target}
	s.record("SSHCommand", at, shorten(command), noChange())
}

// operand returns an argument of a command as a virtual name and as a storage
// path.
func (s *Session) operand(raw string) (name, at string) {
	if raw == "" {
		return "", ""
	}
	name, err := vfs.ParseName("/", raw)
	if err != nil {
		raw = strings.ToValidUTF8(shorten(raw), "\uFFFD")
		return raw, raw
	}
	return name, s.path(name)
}
