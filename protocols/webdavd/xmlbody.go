package webdavd

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	xmlHeader = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	xmlType   = "text/xml; charset=utf-8"

	// maxXML is how large a body in XML may be.
	maxXML = 1 << 20
	// maxXMLDepth is how deep its elements may nest.
	maxXMLDepth = 100
)

// xmlBody reads a body in XML and makes sure that it is well-formed, namespaces
// included: the decoders behind it let undeclared prefixes pass (RFC 4918
// section 8.2 wants 400).
func (q *request) xmlBody() ([]byte, error) {
	body, err := q.readXML()
	if err != nil {
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return nil, err
		case errors.Is(err, os.ErrDeadlineExceeded):
			q.w.Header().Set("Connection", "close")
			return nil, &refusal{status: http.StatusRequestTimeout, text: "the body takes too long", cause: err}
		}
		return nil, &refusal{status: http.StatusBadRequest, text: "the body broke off", cause: err}
	}
	if len(body) == 0 {
		return nil, nil
	}
	if body, err = utf8Of(body); err == nil {
		err = checkXML(body)
	}
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, text: "malformed XML", cause: err}
	}
	return body, nil
}

// readXML reads a body that has to come in no time: unlike an upload it is small,
// and while it comes nothing watches the session.
func (q *request) readXML() ([]byte, error) {
	rc := http.NewResponseController(q.w)
	_ = rc.SetReadDeadline(time.Now().Add(q.server.answerTime)) // not every ResponseWriter of a test can
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.Body, maxXML))
	if err == nil {
		_ = rc.SetReadDeadline(time.Time{})
	}
	return body, err
}

// utf8Of decodes UTF-16, which every reader of XML must take (XML 1.0, section
// 4.3.3), and takes away a byte order mark. Other encodings the decoder refuses.
func utf8Of(body []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		order = binary.BigEndian
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		order = binary.LittleEndian
	default:
		return body, nil
	}
	if len(body)%2 != 0 {
		return nil, errors.New("half a character of UTF-16")
	}
	units := make([]uint16, 0, len(body)/2)
	for i := 2; i < len(body); i += 2 {
		units = append(units, order.Uint16(body[i:]))
	}
	text := []byte(string(utf16.Decode(units)))
	if end := bytes.Index(text, []byte("?>")); end > 0 && bytes.HasPrefix(text, []byte("<?xml ")) {
		text = text[end+2:] // it names the encoding that was
	}
	return text, nil
}

// element is one open element: its name as written and the prefixes it declares.
type element struct {
	name     xml.Name
	prefixes []string
}

// scope counts the open elements that declare a prefix.
type scope map[string]int

// checkXML checks one document.
func checkXML(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	var open []element
	known := scope{}
	roots := 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			if len(open) >= maxXMLDepth {
				return errors.New("elements nest too deep")
			}
			e, err := known.enter(tok)
			if err != nil {
				return err
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != tok.Name {
				return fmt.Errorf("unexpected end of %s", tok.Name.Local)
			}
			known.leave(open[len(open)-1])
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 && len(bytes.TrimSpace(tok)) > 0 {
				return errors.New("text outside of the document")
			}
		case xml.Directive:
			return errors.New("document type declarations are not accepted")
		}
	}
	if len(open) > 0 || roots != 1 {
		return errors.New("not one document")
	}
	return nil
}

// enter takes the declarations of an element and checks its names: well-formed
// (the decoder lets ":a" and doubled attributes pass) and with prefixes that are
// declared.
func (s scope) enter(tok xml.StartElement) (element, error) {
	e := element{name: tok.Name}
	seen := make(map[xml.Name]bool, len(tok.Attr))
	for _, a := range tok.Attr {
		if seen[a.Name] {
			return e, fmt.Errorf("attribute %s is given twice", a.Name.Local)
		}
		seen[a.Name] = true
		if err := checkDeclaration(a); err != nil {
			return e, err
		}
		if a.Name.Space != "xmlns" {
			continue
		}
		if a.Value == "" { // Namespaces in XML 1.0, section 2.2
			return e, fmt.Errorf("prefix %s declared empty", a.Name.Local)
		}
		e.prefixes = append(e.prefixes, a.Name.Local)
		s[a.Name.Local]++
	}
	if err := s.check(tok.Name); err != nil {
		return e, err
	}
	if tok.Name.Space == "xmlns" {
		return e, errors.New("xmlns is no prefix of elements")
	}
	for _, a := range tok.Attr {
		if err := s.check(a.Name); err != nil {
			return e, err
		}
	}
	return e, nil
}

// checkDeclaration keeps the namespaces of XML itself what they are (Namespaces in
// XML 1.0, section 3).
func checkDeclaration(a xml.Attr) error {
	prefix, ok := a.Name.Local, a.Name.Space == "xmlns"
	if a.Name == (xml.Name{Local: "xmlns"}) {
		prefix, ok = "", true
	}
	if ok && (prefix == "xmlns" || a.Value == xmlnsNamespace || (prefix == "xml") != (a.Value == xmlNamespace)) {
		return fmt.Errorf("prefix %q declared as %q", prefix, shorten(a.Value))
	}
	return nil
}

// leave ends the declarations of an element.
func (s scope) leave(e element) {
	for _, prefix := range e.prefixes {
		s[prefix]--
	}
}

func (s scope) check(name xml.Name) error {
	if strings.Contains(name.Local, ":") {
		return fmt.Errorf("%s is no name", name.Local)
	}
	switch name.Space {
	case "", "xml", "xmlns":
		return nil
	}
	if s[name.Space] == 0 {
		return fmt.Errorf("prefix %s is not declared", name.Space)
	}
	return nil
}
