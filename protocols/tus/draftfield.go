package tus

import (
	"strconv"
	"strings"
)

// Structured fields (RFC 9651), as far as resumable uploads of the IETF and digests
// need them. What is no such field is as if it were not there, which is what both
// demand.

// sfBoolean reads an Item that is a Boolean.
func sfBoolean(values []string) (b, ok bool) {
	item, ok := sfItem(values)
	return item == "?1", ok && (item == "?0" || item == "?1")
}

// sfInteger reads an Item that is an Integer of no less than 0.
func sfInteger(values []string) (n int64, ok bool) {
	const digits = 15 // RFC 9651, section 3.3.1
	item, ok := sfItem(values)
	if !ok || len(item) == 0 || len(item) > digits || strings.Trim(item, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(item, 10, 64)
	return n, err == nil
}

// sfItem is the bare item of a field without its parameters, none of which mean
// anything here.
func sfItem(values []string) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	item, params, more := strings.Cut(strings.Trim(values[0], " "), ";")
	for more {
		var param string
		param, params, more = strings.Cut(params, ";")
		key, _, _ := strings.Cut(strings.TrimLeft(param, " "), "=")
		if !sfKey(key) {
			return "", false
		}
	}
	return item, true
}

// sfBytes reads the members of a Dictionary whose values are Byte Sequences, as they
// are written: name=:BASE64:.
func sfBytes(values []string) []string {
	var members []string
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		member, _, _ = strings.Cut(strings.Trim(member, " \t"), ";")
		key, value, _ := strings.Cut(member, "=")
		if sfKey(key) && len(value) >= 2 && value[0] == ':' && value[len(value)-1] == ':' {
			members = append(members, member)
		}
	}
	return members
}

// sfKey reports whether text is a key (RFC 9651, section 3.1.2).
func sfKey(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz*"
	return text != "" && strings.IndexByte(letters, text[0]) >= 0 && strings.Trim(text, letters+"0123456789_-.") == ""
}
