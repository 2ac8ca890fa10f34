package system

import (
	"fmt"
	"io"
	"strings"

	"sftpgo/protocols/sshd/shellword"
)

// maxProtected is how long the arguments may be that come over the channel.
const maxProtected = 1 << 20

// readProtected reads what a client with --secluded-args sends first: its other
// arguments, each with a NUL, and one more NUL. The first is the name of the
// program.
func (c *rsyncCall) readProtected(in io.Reader) error {
	words := []shellword.Word{}
	var word []byte
	b := make([]byte, 1)
	for range maxProtected {
		if _, err := io.ReadFull(in, b); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if b[0] != 0 {
			word = append(word, b[0])
			continue
		}
		if len(word) == 0 {
			return c.takeProtected(words)
		}
		// A server expands patterns in them, too.
		words = append(words, shellword.Word{Text: unescaped(word), Pattern: string(word)})
		word = word[:0]
		if len(words) > shellword.MaxWords {
			break
		}
	}
	return fmt.Errorf("%w: too many", errUsage)
}

func (c *rsyncCall) takeProtected(words []shellword.Word) error {
	if len(words) == 0 {
		return fmt.Errorf("%w: no names", errUsage)
	}
	c.protected = false
	if err := c.parse(words[1:]); err != nil {
		return err
	}
	if c.protected {
		return fmt.Errorf("%w: --secluded-args twice", errUsage)
	}
	return nil
}

func unescaped(word []byte) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' && i+1 < len(word) {
			i++
		}
		b.WriteByte(word[i])
	}
	return b.String()
}
