package scp

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
)

// maxMatches bounds what one pattern may yield.
const maxMatches = 100_000

// Expand returns the names that a word stands for, in name order, for commands
// whose clients count on the shell of the server to expand patterns. A word
// without an unquoted meta character, or whose pattern matches nothing, stands for
// itself, as in a shell; so does the tilde for the root. A pattern that matches
// more than 100,000 names is session.ErrTooMany.
func Expand(s *session.Session, word shellword.Word) ([]string, error) {
	word = home(word)
	if !word.HasMeta() {
		return []string{word.Text}, nil
	}
	names := []string{"/"}
	for part := range strings.SplitSeq(word.Pattern, "/") {
		if part == "" {
			continue
		}
		part = negated(part)
		if _, err := path.Match(part, ""); err != nil {
			return []string{word.Text}, nil // as in a shell
		}
		var next []string
		for _, dir := range names {
			found, err := matches(s, dir, part, maxMatches-len(next))
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		names = slices.Compact(next) // after "..", one for all that came from there
	}
	if len(names) == 0 {
		return []string{word.Text}, nil
	}
	return names, nil
}

// home replaces an unquoted tilde at the start.
func home(word shellword.Word) shellword.Word {
	if word.Pattern == "~" || strings.HasPrefix(word.Pattern, "~/") {
		return shellword.Word{Text: "/" + word.Text[1:], Pattern: "/" + word.Pattern[1:]}
	}
	return word
}

// matches returns the entries of dir that match one component of a pattern. A
// component without meta characters is taken as it is: whether it exists will
// show. A directory that cannot be listed matches nothing.
func matches(s *session.Session, dir, pattern string, limit int) ([]string, error) {
	if !(shellword.Word{Pattern: pattern}).HasMeta() {
		return []string{path.Join(dir, unescape(pattern))}, nil
	}
	var found []string
	for info, err := range s.List(s.Context(), dir) {
		if err != nil {
			break
		}
		name := info.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") {
			continue
		}
		if ok, err := path.Match(pattern, name); err != nil || !ok {
			continue
		}
		if len(found) == limit {
			return nil, fmt.Errorf("%w: pattern matches more than %d names", session.ErrTooMany, maxMatches)
		}
		found = append(found, path.Join(dir, name))
	}
	slices.Sort(found)
	return found, nil
}

// negated writes the classes that a shell negates with "!" as path.Match does.
func negated(pattern string) string {
	out := []byte(pattern)
	for i := 0; i < len(out); i++ {
		switch out[i] {
		case '\\':
			i++
		case '[':
			if i+1 < len(out) && out[i+1] == '!' {
				out[i+1] = '^'
			}
		}
	}
	return string(out)
}

func unescape(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}
