package shell

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errSyntax: the line has what this is no shell for.
var errSyntax = errors.New("this is no shell")

// step is one command of a line.
type step struct {
	text  string
	needs bool  // the one before it must have succeeded: "&&"
	fault error // it asks for what only a shell can do
}

// read takes one line from the client, and the next ones while a quote is open. A
// line without an end is not carried out: half of a name may be the name of
// something else.
func (sh *shell) read() ([]step, error) {
	text := ""
	for range maxPieces {
		piece, err := sh.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(text)+len(piece) > maxLine {
			return nil, errLong
		}
		text += strings.ReplaceAll(string(piece), "\x00", "") // as a shell drops them
		if err != nil && strings.TrimSpace(text) == "" {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the last line has no end", errSyntax)
		}
		if steps, open, err := cut(strings.TrimRight(text, "\r\n")); !open {
			return steps, err
		}
	}
	return nil, errLong
}

// cut returns the commands of a line, or that it goes on in the next one. What only
// a shell can do is a fault of its command alone: the frame that a client puts
// around it must come back.
func cut(line string) (steps []step, open bool, err error) {
	var quote byte
	var next step
	begin := 0
	take := func(end int) {
		if next.text = strings.TrimSpace(line[begin:end]); next.text != "" {
			steps = append(steps, next)
		}
		next = step{}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'':
			if c == '\'' {
				quote = 0
			}
		case c == '\\':
			if i++; i == len(line) {
				return nil, true, nil
			}
		case quote == '"':
			if c == '"' {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ';' || c == '\n':
			take(i)
			begin = i + 1
		case strings.HasPrefix(line[i:], "&&"):
			take(i)
			i++
			begin, next.needs = i+1, true
		case strings.IndexByte("|&<>()`", c) >= 0 && next.fault == nil:
			next.fault = fmt.Errorf("%w: %q has no meaning here", errSyntax, c)
		}
	}
	if quote != 0 {
		return nil, true, nil
	}
	take(len(line))
	if len(steps) > maxCommands {
		return nil, false, fmt.Errorf("%w: more than %d commands in a line", errSyntax, maxCommands)
	}
	return steps, false, nil
}

// expand puts the status of the last command in the place of $? and $status, with
// or without braces, outside single quotes. WinSCP finds out which of them there
// is. A variable else stays as it is written: nothing must come to mean "/" by
// being empty.
func expand(text string, status uint32) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	single, double := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case single:
			single = c != '\''
		case c == '\'' && !double:
			single = true
		case c == '"':
			double = !double
		case c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
		case c == '$':
			if n := statusVariable(text[i+1:]); n > 0 {
				b.WriteString(strconv.FormatUint(uint64(status), 10))
				i += n
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// statusVariable returns how many bytes at the start of text name the status.
func statusVariable(text string) int {
	for _, name := range []string{"?", "{?}", "{status}"} {
		if strings.HasPrefix(text, name) {
			return len(name)
		}
	}
	rest, ok := strings.CutPrefix(text, "status")
	if !ok || rest != "" && isNameByte(rest[0]) {
		return 0
	}
	return len("status")
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
