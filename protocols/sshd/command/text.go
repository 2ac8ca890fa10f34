package command

import "strings"

// escape is how coreutils keeps one line one file: a name with a backslash or a
// line end has these escaped, and the line begins with a backslash.
func escape(name string) (mark, escaped string) {
	if !strings.ContainsAny(name, "\\\n\r") {
		return "", name
	}
	return `\`, strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
}

// Printable keeps control characters away from terminals, and an error on its
// line.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
