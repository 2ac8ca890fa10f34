package plainjson

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. As in encoding/json, what is no UTF-8
// becomes U+FFFD, and <, >, &, U+2028 and U+2029 are escaped.
func AppendString(to []byte, s string) []byte {
	to = append(to, '"')
	done := 0 // what of s is in to
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if !asItIs(c) {
				to = appendEscape(append(to, s[done:i]...), c)
				done = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			to = append(append(to, s[done:i]...), `\ufffd`...)
			done = i + n
		case r == '\u2028' || r == '\u2029': // they end a line of JavaScript
			to = append(append(to, s[done:i]...), `\u202`...)
			to = append(to, hexDigits[r&0xf])
			done = i + n
		}
		i += n
	}
	to = append(to, s[done:]...)
	return append(to, '"')
}

func asItIs(c byte) bool {
	return c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
}

func appendEscape(to []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(to, '\\', c)
	case '\b':
		return append(to, `\b`...)
	case '\f':
		return append(to, `\f`...)
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	}
	return append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
