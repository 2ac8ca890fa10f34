package scp

import (
	"errors"
	"fmt"

	"sftpgo/protocols/sshd/shellword"
)

// direction is which side of the protocol the server takes.
type direction byte

const (
	sinking  direction = 't' // files come from the client
	sourcing direction = 'f' // files go to the client
)

// arguments is the command line of a remote scp.
type arguments struct {
	direction direction
	recursive bool // -r
	preserve  bool // -p: times and modes
	directory bool // -d: the target must be a directory
	names     []shellword.Word
}

// parseArguments reads what follows "scp". Options may be combined and end at
// "--" or at the first word that is none.
func parseArguments(words []shellword.Word) (arguments, error) {
	var a arguments
	for len(words) > 0 {
		text := words[0].Text
		if len(text) < 2 || text[0] != '-' {
			break
		}
		words = words[1:]
		if text == "--" {
			break
		}
		if err := a.options(text[1:]); err != nil {
			return a, err
		}
	}
	a.names = words
	switch {
	case a.direction == 0:
		return a, errors.New("one of -t and -f is needed: use the scp program of a client")
	case len(a.names) == 0:
		return a, errors.New("a file name is missing")
	case a.direction == sinking && len(a.names) > 1:
		return a, errors.New("ambiguous target: put a name with spaces in quotes")
	}
	return a, nil
}

func (a *arguments) options(letters string) error {
	for _, c := range letters {
		switch c {
		case 't', 'f':
			if a.direction != 0 && a.direction != direction(c) {
				return errors.New("-t and -f exclude each other")
			}
			a.direction = direction(c)
		case 'r':
			a.recursive = true
		case 'p':
			a.preserve = true
		case 'd':
			a.directory = true
		case 'v', 'q': // verbosity is the client's affair
		default:
			return fmt.Errorf("unknown option -%c", c)
		}
	}
	return nil
}
