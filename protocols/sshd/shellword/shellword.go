// Package shellword splits a command line into words the way a POSIX shell
// does, for servers that have no shell. Nothing is expanded, substituted or
// run: the operators of a shell (; | & < > $ and the like) are plain text.
package shellword

import (
	"errors"
	"fmt"
	"strings"
)

// MaxWords is how many words a line may have.
const MaxWords = 1024

// ErrSyntax: the line cannot be split.
var ErrSyntax = errors.New("bad command line")

// Word is one word of a command line.
type Word struct {
	// Text is the word without its quotes.
	Text string
	// Pattern is the word in the syntax of path.Match: what was quoted has a
	// backslash before each character that is special there or at the start of a
	// word.
	Pattern string
}

// HasMeta reports whether the word has an unquoted "*", "?" or "[".
func (w Word) HasMeta() bool {
	for i := 0; i < len(w.Pattern); i++ {
		switch w.Pattern[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// Split returns the words of line, or an error that wraps ErrSyntax when a
// quote is open at the end, a backslash is last, or there are too many words.
// Quoting is that of the POSIX shell, section 2.2.
func Split(line string) ([]Word, error) {
	sp := splitter{rest: line}
	var words []Word
	for {
		sp.rest = strings.TrimLeft(sp.rest, " \t\r\n")
		if sp.rest == "" {
			return words, nil
		}
		if len(words) == MaxWords {
			return nil, fmt.Errorf("%w: more than %d words", ErrSyntax, MaxWords)
		}
		w, err := sp.word()
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
}

type splitter struct {
	rest          string
	text, pattern strings.Builder
}

// word takes one word from the front of rest, which does not begin with a space.
func (sp *splitter) word() (Word, error) {
	sp.text.Reset()
	sp.pattern.Reset()
	for sp.rest != "" {
		c := sp.rest[0]
		var err error
		switch c {
		case ' ', '\t', '\r', '\n':
			return Word{sp.text.String(), sp.pattern.String()}, nil
		case '\'':
			err = sp.single()
		case '"':
			err = sp.double()
		case '\\':
			err = sp.escape()
		default:
			sp.text.WriteByte(c)
			sp.pattern.WriteByte(c)
			sp.rest = sp.rest[1:]
		}
		if err != nil {
			return Word{}, err
		}
	}
	return Word{sp.text.String(), sp.pattern.String()}, nil
}

func (sp *splitter) single() error {
	body, rest, ok := strings.Cut(sp.rest[1:], "'")
	if !ok {
		return fmt.Errorf("%w: no closing '", ErrSyntax)
	}
	for i := range len(body) {
		sp.quoted(body[i])
	}
	sp.rest = rest
	return nil
}

func (sp *splitter) double() error {
	for i := 1; i < len(sp.rest); i++ {
		c := sp.rest[i]
		if c == '"' {
			sp.rest = sp.rest[i+1:]
			return nil
		}
		if c == '\\' && i+1 < len(sp.rest) && strings.IndexByte("\\\"$`\n", sp.rest[i+1]) >= 0 {
			i++
			if c = sp.rest[i]; c == '\n' {
				continue // line continuation
			}
		}
		sp.quoted(c)
	}
	return fmt.Errorf(`%w: no closing "`, ErrSyntax)
}

func (sp *splitter) escape() error {
	if len(sp.rest) < 2 {
		return fmt.Errorf("%w: a backslash is last", ErrSyntax)
	}
	if c := sp.rest[1]; c != '\n' {
		sp.quoted(c)
	}
	sp.rest = sp.rest[2:]
	return nil
}

func (sp *splitter) quoted(c byte) {
	sp.text.WriteByte(c)
	if strings.IndexByte(`*?[]\~-^`, c) >= 0 {
		sp.pattern.WriteByte('\\')
	}
	sp.pattern.WriteByte(c)
}
