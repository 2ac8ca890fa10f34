package shell

import (
	"context"
	"errors"
	"strings"

	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/scp"
	"sftpgo/protocols/sshd/shellword"
)

// copyFiles runs scp on the streams of the channel. The client tells a sink that
// there is no more with a fatal message, since it cannot end the stream; then the
// lines go on.
func (c *call) copyFiles(ctx context.Context) uint32 {
	c.flush()
	err := c.cfg.SCP.Copy(ctx, c.s, c.operands(c.args), c.stream())
	if errors.Is(err, scp.ErrStream) {
		c.done = true // what comes is no line
	}
	if err != nil {
		return statusFailed
	}
	return statusOK
}

// sshCommand runs a command that clients may run without these lines, too. One
// that needs the standard input has none: that holds the next lines.
func (c *call) sshCommand(ctx context.Context) uint32 {
	cmd, ok := c.cfg.Commands[c.name]
	if !ok {
		c.complain(c.name + ": command not found")
		return statusNotFound
	}
	c.flush()
	st := c.stream()
	st.In = strings.NewReader("")
	return cmd.Run(ctx, c.s, c.operands(c.args), st)
}

func (c *call) stream() command.Stream {
	return command.Stream{Line: c.line(), In: c.in, Out: c.raw, Err: c.err}
}

// operands are arguments whose names begin at the root instead of the current
// directory. A lone dash is the standard input.
func (c *call) operands(args []shellword.Word) []shellword.Word {
	list := make([]shellword.Word, len(args))
	options := true
	for i, w := range args {
		switch {
		case options && w.Text == "--":
			options = false
		case options && strings.HasPrefix(w.Text, "-"):
		default:
			w = c.absolute(w)
		}
		list[i] = w
	}
	return list
}
