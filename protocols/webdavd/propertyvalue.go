package webdavd

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// value collects the element of a property such that it can stand in any answer
// and says the same: elements, attributes, text and prefixes as they were sent,
// with the declarations and the language that they inherited (RFC 4918 section
// 4.3). Comments and instructions are dropped. It is written anew and not cut out
// of the body, so that one client cannot break the answers for others.
type value struct {
	d     rawTokens
	outer *surroundings
	known map[string]bool // prefixes that are declared outside

	start  xml.StartElement
	inner  strings.Builder
	text   strings.Builder
	needed map[string]bool // declarations of outside that it relies on
	nested bool            // there are elements
}

// rawTokens is what is read from.
type rawTokens interface{ RawToken() (xml.Token, error) }

// read reads to the end of the element.
func (v *value) read(tok xml.StartElement) error {
	v.start, v.needed = tok.Copy(), map[string]bool{}
	open := []*surroundings{(*surroundings)(nil).inner(v.start)}
	if err := v.use(v.start, open[0]); err != nil {
		return err
	}
	names := []xml.Name{v.start.Name}
	for {
		tok, err := v.d.RawToken()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			v.nested = true
			in := open[len(open)-1].inner(tok)
			if err := v.use(tok, in); err != nil {
				return err
			}
			appendStart(&v.inner, tok)
			open, names = append(open, in), append(names, tok.Name)
		case xml.EndElement:
			name := names[len(names)-1]
			open, names = open[:len(open)-1], names[:len(names)-1]
			if len(names) == 0 {
				return nil
			}
			v.inner.WriteString("</" + written(name) + ">")
		case xml.CharData:
			v.mention(string(tok))
			v.text.Write(tok)
			escapeText(&v.inner, string(tok))
		}
	}
}

// use notes which declarations an element relies on, and refuses attributes that
// are the same but for their prefix.
func (v *value) use(tok xml.StartElement, in *surroundings) error {
	v.need(tok.Name.Space, in)
	seen := map[xml.Name]bool{}
	for _, a := range tok.Attr {
		switch a.Name.Space {
		case "", "xmlns", "xml":
		default:
			v.need(a.Name.Space, in)
			name := xml.Name{Space: v.space(a.Name.Space, in), Local: a.Name.Local}
			if seen[name] {
				return fmt.Errorf("attribute %s is given twice", a.Name.Local)
			}
			seen[name] = true
		}
		if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
			v.mention(a.Value)
		}
	}
	return nil
}

func (v *value) space(prefix string, in *surroundings) string {
	if uri := in.space(prefix); uri != "" {
		return uri
	}
	return v.outer.space(prefix)
}

// need takes a declaration along unless there is one inside.
func (v *value) need(prefix string, in *surroundings) {
	if v.known[prefix] && !in.prefixes()[prefix] {
		v.needed[prefix] = true
	}
}

// mention takes along what text may refer to: values of the type QName.
func (v *value) mention(text string) {
	if !strings.Contains(text, ":") {
		return
	}
	for prefix := range v.known {
		if prefix != "" && strings.Contains(text, prefix+":") {
			v.needed[prefix] = true
		}
	}
}

// xml is the element, or true if it is larger than what is kept.
func (v *value) xml() (string, bool) {
	tok := v.start
	own := (*surroundings)(nil).inner(tok).prefixes()
	size := v.inner.Len()
	for _, prefix := range slices.Sorted(maps.Keys(v.needed)) {
		uri := v.outer.space(prefix)
		if own[prefix] || uri == "" {
			continue
		}
		name := xml.Name{Space: "xmlns", Local: prefix}
		if prefix == "" {
			name = xml.Name{Local: "xmlns"}
		}
		tok.Attr = append(tok.Attr, xml.Attr{Name: name, Value: uri})
	}
	lang := xml.Name{Space: "xml", Local: "lang"}
	if v.outer.lang != "" && !slices.ContainsFunc(tok.Attr, func(a xml.Attr) bool { return a.Name == lang }) {
		tok.Attr = append(tok.Attr, xml.Attr{Name: lang, Value: v.outer.lang})
	}
	for _, a := range tok.Attr {
		size += len(a.Value)
	}
	if size > maxPropertyValue {
		return "", true
	}
	var b strings.Builder
	appendStart(&b, tok)
	b.WriteString(v.inner.String())
	b.WriteString("</" + written(tok.Name) + ">")
	return b.String(), b.Len() > maxPropertyValue
}

// written is a name as it was sent.
func written(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

func appendStart(b *strings.Builder, tok xml.StartElement) {
	b.WriteString("<" + written(tok.Name))
	for _, a := range tok.Attr {
		b.WriteString(" " + written(a.Name) + `="`)
		escapeAttribute(b, a.Value)
		b.WriteString(`"`)
	}
	b.WriteString(">")
}

// escapeText keeps line ends as they are; a carriage return would become one.
func escapeText(b *strings.Builder, s string) {
	_, _ = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;").WriteString(b, s) // a Builder never fails
}

func escapeAttribute(b *strings.Builder, s string) {
	_, _ = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", // a Builder never fails
		"\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").WriteString(b, s)
}
