package shell

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

var errMode = errors.New("invalid mode")

// modeChange makes the permissions of something from those that it has.
type modeChange func(old fs.FileMode) fs.FileMode

// parseMode reads the operand of chmod: octal, or clauses such as u+rwX,go-w
// (POSIX, chmod, "Extended Description"). setuid, setgid and sticky bits are read
// and not set: a client makes no such files. exact tells that the old permissions
// do not matter.
func parseMode(text string) (change modeChange, exact bool, err error) {
	if n, err := strconv.ParseUint(text, 8, 16); err == nil {
		return func(fs.FileMode) fs.FileMode { return fs.FileMode(n) & fs.ModePerm }, true, nil
	}
	var clauses []modeChange
	for clause := range strings.SplitSeq(text, ",") {
		who := clause[:len(clause)-len(strings.TrimLeft(clause, "ugoa"))]
		actions := clause[len(who):]
		if actions == "" {
			return nil, false, errMode
		}
		for actions != "" {
			end := 1 + strings.IndexAny(actions[1:]+"+", "+-=")
			c, err := parseAction(whose(who), actions[0], actions[1:end])
			if err != nil {
				return nil, false, err
			}
			clauses = append(clauses, c)
			actions = actions[end:]
		}
	}
	return func(m fs.FileMode) fs.FileMode {
		for _, c := range clauses {
			m = c(m)
		}
		return m & fs.ModePerm
	}, false, nil
}

// whose are the bits that a clause is about.
func whose(who string) fs.FileMode {
	var mask fs.FileMode
	for _, c := range who {
		mask |= map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[c]
	}
	if mask == 0 {
		return 0o777
	}
	return mask
}

func parseAction(mask fs.FileMode, op byte, perms string) (modeChange, error) {
	if strings.IndexByte("+-=", op) < 0 || strings.Trim(perms, "rwxXst") != "" && (len(perms) != 1 || !strings.Contains("ugo", perms)) {
		return nil, errMode
	}
	return func(m fs.FileMode) fs.FileMode {
		bits := bitsOf(perms, m) & mask
		switch op {
		case '+':
			return m | bits
		case '-':
			return m &^ bits
		}
		return m&^mask | bits
	}, nil
}

// bitsOf is what letters mean, for everybody, of something with the mode m.
func bitsOf(perms string, m fs.FileMode) fs.FileMode {
	var bits fs.FileMode
	for _, c := range perms {
		switch c {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if m.IsDir() || m&0o111 != 0 {
				bits |= 0o111
			}
		case 'u':
			bits |= m >> 6 & 7 * 0o111
		case 'g':
			bits |= m >> 3 & 7 * 0o111
		case 'o':
			bits |= m & 7 * 0o111
		}
	}
	return bits
}
