package webdavd

import (
	"encoding/xml"
	"net/http"
	"strconv"
)

// flushAt is how much of an answer is collected before it is sent.
const flushAt = 32 << 10

// multistatus answers with the members that could not be treated.
func (q *request) multistatus(failed []failure) error {
	b := startMultistatus(nil)
	for _, f := range failed {
		status, text, _ := statusOf(f.err)
		b = append(b, "<D:response><D:href>"...)
		b = appendHref(b, q.server.prefix+f.name)
		b = append(b, "</D:href>"...)
		b = appendStatus(b, status)
		b = append(b, "<D:responsedescription>"...)
		b = appendText(b, text)
		b = append(b, "</D:responsedescription></D:response>\n"...)
	}
	b = append(b, "</D:multistatus>\n"...)
	h := q.w.Header()
	describeXML(h)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	q.w.WriteHeader(http.StatusMultiStatus)
	_, err := q.w.Write(b)
	return err
}

// startMultistatus writes with the prefix D throughout: the redirector of Windows
// overlooks elements in a default namespace.
func startMultistatus(b []byte) []byte {
	return append(b, xmlHeader+`<D:multistatus xmlns:D="DAV:">`+"\n"...)
}

func appendStatus(b []byte, status int) []byte {
	b = append(b, "<D:status>HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	return append(b, "</D:status>"...)
}

// appendHref writes a URL path, escaped for URL and XML.
func appendHref(b []byte, name string) []byte {
	const hex = "0123456789ABCDEF"
	plain := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '@' <= c && c <= 'Z', '(' <= c && c <= ';', // ( ) * + , - . / 0-9 : ;
			c == '_', c == '~', c == '!', c == '$', c == '=':
			continue
		}
		b = append(b, name[plain:i]...)
		b = append(b, '%', hex[c>>4], hex[c&15])
		plain = i + 1
	}
	return append(b, name[plain:]...)
}

// appendText writes text escaped for XML. What XML cannot hold becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			plain = false
			break
		}
	}
	if plain {
		return append(b, s...)
	}
	w := sliceWriter(b)
	_ = xml.EscapeText(&w, []byte(s)) // a slice never fails
	return w
}

type sliceWriter []byte

func (w *sliceWriter) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
