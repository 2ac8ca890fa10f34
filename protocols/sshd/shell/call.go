package shell

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sftpgo/protocols"
	"sftpgo/protocols/sshd/shellword"
)

// call is one command that runs.
type call struct {
	*shell
	text string // as the client wrote it
	name string
	args []shellword.Word
}

// options are the letters and the long names that a command was given.
type options struct {
	letters string
	long    []string
}

func (o options) has(letter byte) bool { return strings.IndexByte(o.letters, letter) >= 0 }

// split parts the arguments at the end of the options: the first word without a
// dash, or "--". Options may also stand behind, as with GNU. letters are the ones
// that the command has, long the long ones. It has told the client why if ok is
// false.
func (c *call) split(letters string, long ...string) (o options, operands []shellword.Word, ok bool) {
	for i, w := range c.args {
		switch {
		case w.Text == "--":
			operands = append(operands, c.args[i+1:]...)
			return o, operands, c.named(operands)
		case strings.HasPrefix(w.Text, "--"):
			if !slices.Contains(long, w.Text) {
				c.complain(c.name + ": unrecognized option '" + w.Text + "'")
				return o, nil, false
			}
			o.long = append(o.long, w.Text)
		case len(w.Text) > 1 && w.Text[0] == '-':
			if rest := strings.Trim(w.Text[1:], letters); rest != "" {
				c.complain(fmt.Sprintf("%s: invalid option -- %q", c.name, rest[0]))
				return o, nil, false
			}
			o.letters += w.Text[1:]
		default:
			operands = append(operands, w)
		}
	}
	return o, operands, c.named(operands)
}

// named refuses empty names: to the session they would be the root.
func (c *call) named(operands []shellword.Word) bool {
	for _, w := range operands {
		if w.Text == "" {
			c.complain(c.name + ": '': no such file or directory")
			return false
		}
	}
	return true
}

// needs reports whether there are so many operands, and tells if there are fewer.
func (c *call) needs(operands []shellword.Word, n int) bool {
	if len(operands) < n {
		c.complain(c.name + ": missing operand")
	}
	return len(operands) >= n
}

// at is the name that a word means, from the current directory on; "~" is the
// root. What climbs above the root is left for the session to refuse.
func (sh *shell) at(w shellword.Word) string {
	switch {
	case w.Pattern == "~" || strings.HasPrefix(w.Pattern, "~/"):
		return "/" + w.Text[1:]
	case strings.HasPrefix(w.Text, "/"):
		return w.Text
	}
	return sh.dir + "/" + w.Text
}

// absolute is at for a command that begins at the root and expands patterns.
func (sh *shell) absolute(w shellword.Word) shellword.Word {
	if strings.HasPrefix(w.Text, "/") || w.Pattern == "~" || strings.HasPrefix(w.Pattern, "~/") {
		return w
	}
	return shellword.Word{Text: sh.dir + "/" + w.Text, Pattern: escaped(sh.dir) + "/" + w.Pattern}
}

// escaped is a name as a pattern that matches nothing else.
func escaped(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(name)
}

// each carries something out for every operand, tells of those for which it fails,
// and returns the status of that.
func (c *call) each(operands []shellword.Word, do func(w shellword.Word) error) uint32 {
	status := uint32(statusOK)
	for _, w := range operands {
		if err := do(w); err != nil {
			status = c.fail(w.Text, err)
		}
	}
	return status
}

// fail tells why something did not work for a name, and is the status of that.
func (c *call) fail(shown string, err error) uint32 {
	c.complain(c.name + ": " + shown + ": " + protocols.StatusOf(err).Text)
	return statusFailed
}

// print answers. That the client has gone is noted below.
func (c *call) print(format string, values ...any) {
	_, _ = fmt.Fprintf(c.out, format, values...)
}

// base is the last component of a name that a client wrote.
func base(name string) string { return path.Base(path.Clean(name)) }
