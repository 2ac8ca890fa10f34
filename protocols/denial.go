package protocols

import (
	"errors"
	"mime"
	"strings"
	"unicode"

	"sftpgo/actions"
)

// lineLimit is how much of the words of a hook fits where there is room for a line.
const lineLimit = 480

// DenialOf returns the refusal of a hook in its own words, for HTTP, which has room
// for them. False: err is no such refusal, or the hook has said nothing.
func DenialOf(err error) (*actions.Denial, bool) {
	var d *actions.Denial
	ok := errors.As(err, &d) && d.Body != ""
	return d, ok
}

// adapt puts the words of a hook in the place of those of the table.
func (st Status) adapt(err error) Status {
	var d *actions.Denial
	if !errors.As(err, &d) {
		return st
	}
	if d.Status >= 400 && d.Status <= 599 {
		st.HTTP = d.Status
	}
	if text := line(d); text != "" {
		st.Text = text
	}
	return st
}

// line is what a hook says as one line without control characters; nothing of a page
// for browsers.
func line(d *actions.Denial) string {
	switch media, _, _ := mime.ParseMediaType(d.ContentType); media {
	case "", "text/plain", "application/json", "application/problem+json":
	default:
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(d.Body, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > lineLimit {
		text = strings.ToValidUTF8(text[:lineLimit], "") + "..."
	}
	return text
}
