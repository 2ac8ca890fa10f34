package webdavd

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// value collects the element of a property such that it can stand in any answer
// and says the same: elements, attributes, text and prefixes as they were sent,
// with the declarations and the language that they inherited (RFC 4918 section
// 4.3). Comments and instructions are dropped. It is written anew and not cut out
// of the body, so that one client cannot break the answers for others.
type value struct {
	d     rawTokens
	outer *surroundings

	start  xml.StartElement
	inner  strings.Builder
	text   strings.Builder
	needed map[string]bool // declarations of outside that it relies on
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
	if _, inside := in.declared(prefix); inside || v.needed[prefix] {
		return
	}
	if _, outside := v.outer.declared(prefix); outside {
		v.needed[prefix] = true
	}
}

// mention takes along what text may refer to: values of the type QName.
func (v *value) mention(text string) {
	for {
		before, after, ok := strings.Cut(text, ":")
		if !ok {
			return
		}
		prefix := before[strings.LastIndexFunc(before, notInName)+1:]
		if len(prefix) > 0 && len(prefix) <= maxPropertyName {
			if _, outside := v.outer.declared(prefix); outside {
				v.needed[prefix] = true
			}
		}
		text = after
	}
}

// notInName is what ends a name, going backwards. It may let more pass as a name
// than XML does.
func notInName(r rune) bool {
	return r < utf8.RuneSelf && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._", r))
}

// xml is the element, or true if it is larger than what is kept.
func (v *value) xml() (string, bool) {
	tok := v.start
	own := (*surroundings)(nil).inner(tok)
	size := v.inner.Len()
	for _, prefix := range slices.Sorted(maps.Keys(v.needed)) {
		uri := v.outer.space(prefix)
		if _, ok := own.spaces[prefix]; ok || uri == "" {
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
func escapeText(b *strings.Builder, s string) { escape(b, s, "&<>\r") }

func escapeAttribute(b *strings.Builder, s string) { escape(b, s, "&<\"\t\n\r") }

// escape writes references for the characters given.
func escape(b *strings.Builder, s, special string) {
	for {
		i := strings.IndexAny(s, special)
		if i < 0 {
			b.WriteString(s)
			return
		}
		b.WriteString(s[:i])
		switch s[i] {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\t':
			b.WriteString("&#x9;")
		case '\n':
			b.WriteString("&#xA;")
		case '\r':
			b.WriteString("&#xD;")
		}
		s = s[i+1:]
	}
}
