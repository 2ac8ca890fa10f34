package sqlstore

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// escape begins what stands for bytes that PostgreSQL does not take as text. It is
// no character, and stays what it is in the encoding.
const escape = '\uFFFE'

// encodeText makes any string text: names of files are bytes. Most stay as they
// are, a prefix that ends with "/" stays a prefix, and different strings stay
// different.
func encodeText(s string) string {
	if utf8.ValidString(s) && !strings.ContainsAny(s, "\x00"+string(escape)) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == escape || r == 0 || r == utf8.RuneError && n == 1:
			b.WriteRune(escape)
			b.WriteString(hex.EncodeToString([]byte(s[:n])))
			b.WriteByte(';')
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// decodeText is the inverse of encodeText.
func decodeText(s string) string {
	before, rest, found := strings.Cut(s, string(escape))
	if !found {
		return s
	}
	var b strings.Builder
	b.WriteString(before)
	for found {
		var digits string
		digits, rest, _ = strings.Cut(rest, ";")
		raw, _ := hex.DecodeString(digits) // encodeText made them
		b.Write(raw)
		before, rest, found = strings.Cut(rest, string(escape))
		b.WriteString(before)
	}
	return b.String()
}
