package sshd

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/scp"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/protocols/sshd/system"
)

// commands returns all that there are. enabled are the names of those that clients
// may run.
func commands(enabled []string, log *slog.Logger) []command.Command {
	return slices.Concat(
		command.Virtual(),
		[]command.Command{secureCopy{}},
		system.New(system.Config{Enabled: enabled}, log),
	)
}

// enable notes the commands that clients may run, and names once those that do
// not exist.
func (s *Server) enable(names []string, all []command.Command) {
	s.commands = map[string]command.Command{}
	unknown := slices.Clone(names)
	for _, c := range all {
		if slices.Contains(names, c.Name()) || slices.Contains(names, "*") {
			s.commands[c.Name()] = c
		}
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == "*" || name == c.Name() })
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		s.log.Warn("enabled_ssh_commands names commands that do not exist; clients are refused them: " +
			strings.Join(slices.Compact(unknown), ", "))
	}
}

// exec finds the program for a request of the type "exec".
func (c *connection) exec(ch *stream, payload []byte, n int) program {
	var request struct{ Command string }
	if err := ssh.Unmarshal(payload, &request); err != nil {
		return nil
	}
	if !admits(c.identity, request.Command) {
		return c.refuse(ch, textForced)
	}
	return c.command(ch, request.Command, n)
}

// command finds the program for a command line.
func (c *connection) command(ch *stream, line string, n int) program {
	words, err := shellword.Split(line)
	if err != nil || len(words) == 0 {
		return c.refuse(ch, "bad command line")
	}
	name, args := words[0].Text, words[1:]
	cmd, ok := c.srv.commands[name]
	if !ok {
		c.srv.log.Debug("command refused", "username", c.identity.User.Username, "client_ip", c.remote.String(),
			"ssh_command", cut(line))
		return c.refuse(ch, "command not available: "+command.Printable(name))
	}
	protocol := protocols.SSH
	if name == scpName {
		protocol = protocols.SCP
	}
	return func(ctx context.Context) uint32 {
		s := c.open(ch, protocol, n)
		if s == nil {
			return 1
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.Context(), cancel)()
		return cmd.Run(ctx, s, args, command.Stream{
			Line: commandLine(line, words), In: ch.Channel, Out: ch.Channel, Err: ch.Stderr(),
		})
	}
}

// commandLine is the line as the client sent it, or what it comes to if its name
// does not stand at the front as such.
func commandLine(line string, words []shellword.Word) string {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, words[0].Text); ok && (rest == "" || rest[0] == ' ') {
		return line
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}

// refuse is the program of a client that wants what there is not. The request is
// accepted all the same, so that it gets a text and an exit status instead of
// "request failed on channel 0".
func (c *connection) refuse(ch *stream, text string) program {
	return func(context.Context) uint32 {
		c.tell(ch, text+"\r\n")
		return 1
	}
}

// tell writes to the standard error of a client without a session. One that takes
// no words, because its window is closed, keeps the connection no more than one in
// which nothing runs.
func (c *connection) tell(ch *stream, text string) {
	c.run(-1)
	defer c.run(1)
	_, _ = io.WriteString(ch.Stderr(), text) // an error means that the connection has ended
}

const scpName = "scp"

// secureCopy is "scp". Its files have events of their own, so it has none.
type secureCopy struct{}

var _ command.Command = secureCopy{}

// Name implements command.Command.
func (secureCopy) Name() string { return scpName }

// Run implements command.Command.
func (secureCopy) Run(ctx context.Context, s *session.Session, args []shellword.Word, st command.Stream) uint32 {
	if err := (secureCopy{}).Copy(ctx, s, args, st); err != nil {
		return 1
	}
	return 0
}

// Copy implements shell.Copier.
func (secureCopy) Copy(_ context.Context, s *session.Session, args []shellword.Word, st command.Stream) error {
	if err := scp.Run(args, scp.Stream{In: st.In, Out: st.Out, Err: st.Err}, s); err != nil {
		s.Log().Debug("copy ended with errors", "error", err)
		return err
	}
	name, target := command.Names(scpName, args)
	s.RecordCommand(st.Line, name, target)
	return nil
}

// cut keeps long command lines from flooding the log.
func cut(line string) string {
	const limit = 512
	if len(line) <= limit {
		return line
	}
	return strings.ToValidUTF8(line[:limit], "") + "…"
}
