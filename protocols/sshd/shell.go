package sshd

import (
	"context"

	"sftpgo/protocols"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shell"
)

const (
	textNoShell  = "This server has no shell: use SFTP (in WinSCP, choose the file protocol SFTP)."
	textGreeting = "This is no shell. Some commands for files are known: help lists them, exit ends."
)

// shell is the program for a request of the type "shell": lines of commands for
// files, with which WinSCP and others frame scp. Whoever may run scp gets it.
// terminal tells that the client has asked for one, so that somebody may be
// sitting there.
func (c *connection) shell(ch *stream, n int, terminal bool) program {
	copier, ok := c.srv.commands[scpName].(shell.Copier)
	switch {
	case !ok:
		return c.refuse(ch, textNoShell)
	case c.identity.ForceCommand != "": // there is more to it than any one command
		return c.refuse(ch, textForced)
	}
	cfg := shell.Config{Commands: map[string]command.Command{}, SCP: copier}
	for _, cmd := range command.Virtual() {
		if cmd, ok := c.srv.commands[cmd.Name()]; ok {
			cfg.Commands[cmd.Name()] = cmd
		}
	}
	if terminal {
		cfg.Greeting = textGreeting
	}
	return func(ctx context.Context) uint32 {
		s := c.open(ch, protocols.SCP, n)
		if s == nil {
			return 1
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.Context(), cancel)()
		return shell.Run(ctx, s, cfg, shell.Stream{In: ch.Channel, Out: ch.Channel, Err: ch.Stderr()})
	}
}
