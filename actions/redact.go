package actions

import (
	"net/url"
	"strings"
)

// RedactURL returns a URL, or what looks like one, without user info, query and
// fragment: the parts that hold passwords, tokens and signatures. It is for
// logs, and for endpoints that go into a payload. Of text that is no
// valid URL everything before the last @ goes, since that may be a password with
// a slash in it.
func RedactURL(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		// A mistyped one, http:/user:password@host, parses as a path.
		if at := strings.LastIndexByte(s, '@'); at >= 0 && strings.IndexByte(s[:at], ':') >= 0 {
			s = s[at+1:]
		}
		scheme, rest = "", s
	} else {
		scheme += "://"
	}
	if _, err := url.Parse(scheme + rest); err != nil {
		return scheme + rest[strings.LastIndexByte(rest, '@')+1:]
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return scheme + host + path
}
