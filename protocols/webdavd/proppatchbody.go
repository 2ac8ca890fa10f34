package webdavd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"

	"sftpgo/dataprovider"
)

const (
	// maxUpdates is how many properties one PROPPATCH may name.
	maxUpdates = 1000
	// maxPropertyName is how long namespace and name of a property may be: they
	// come back in answers, perhaps for each entry of a listing.
	maxPropertyName = 1024
	// maxPropertyValue is how large the element of one property may be.
	maxPropertyValue = 64 << 10

	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// update is one instruction of a PROPPATCH (RFC 4918 section 9.2).
type update struct {
	dataprovider.PropertyChange
	text  string // of a value without elements
	large bool   // the value is more than can be kept, and left out
}

// parseUpdates reads a propertyupdate element. Elements that nobody knows are
// ignored (section 17).
func parseUpdates(body []byte) ([]update, error) {
	p := updateParser{d: xml.NewDecoder(bytes.NewReader(body))}
	err := p.document()
	switch {
	case errors.Is(err, errTooManyNames):
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, text: "too many properties in one request", cause: err}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, text: "malformed propertyupdate", cause: err}
	case len(p.list) == 0:
		return nil, refuse(http.StatusBadRequest, "a propertyupdate names properties to set or remove")
	}
	return p.list, nil
}

// updateParser reads tokens as they are written, because prefixes are kept. The
// body is known to be well-formed.
type updateParser struct {
	d    *xml.Decoder
	list []update
}

// surroundings is what an element inherits: prefixes and language.
type surroundings struct {
	outer  *surroundings
	spaces map[string]string // by prefix; "" is the default
	lang   string
}

func (s *surroundings) inner(tok xml.StartElement) *surroundings {
	in := &surroundings{outer: s}
	if s != nil {
		in.lang = s.lang
	}
	declare := func(prefix, uri string) {
		if in.spaces == nil {
			in.spaces = map[string]string{}
		}
		in.spaces[prefix] = uri
	}
	for _, a := range tok.Attr {
		switch {
		case a.Name.Space == "xmlns":
			declare(a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			declare("", a.Value)
		case a.Name.Space == "xml" && a.Name.Local == "lang":
			in.lang = a.Value
		}
	}
	return in
}

// space is what a prefix stands for.
func (s *surroundings) space(prefix string) string {
	if prefix == "xml" {
		return xmlNamespace
	}
	uri, _ := s.declared(prefix)
	return uri
}

// declared is what a prefix was declared to stand for.
func (s *surroundings) declared(prefix string) (uri string, ok bool) {
	for ; s != nil && !ok; s = s.outer {
		uri, ok = s.spaces[prefix]
	}
	return uri, ok
}

// element is the expanded name of an element.
func (s *surroundings) element(tok xml.StartElement) xml.Name {
	return xml.Name{Space: s.space(tok.Name.Space), Local: tok.Name.Local}
}

func dav(local string) xml.Name { return xml.Name{Space: davNamespace, Local: local} }

func (p *updateParser) document() error {
	for {
		tok, err := p.d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := tok.(xml.StartElement); ok {
			in := (*surroundings)(nil).inner(start)
			if in.element(start) != dav("propertyupdate") {
				return errors.New("not a propertyupdate")
			}
			if err := p.children(in, p.instruction); err != nil {
				return err
			}
		}
	}
}

// children calls visit for each element inside the one that was just opened. visit
// reads to its end.
func (p *updateParser) children(in *surroundings, visit func(xml.StartElement, *surroundings) error) error {
	for {
		tok, err := p.d.RawToken()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := visit(tok, in); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads to the end of an element.
func (p *updateParser) skip(xml.StartElement, *surroundings) error {
	return p.children(nil, p.skip)
}

// instruction reads set or remove.
func (p *updateParser) instruction(tok xml.StartElement, outer *surroundings) error {
	in := outer.inner(tok)
	name := in.element(tok)
	if name != dav("set") && name != dav("remove") {
		return p.skip(tok, in)
	}
	return p.children(in, func(tok xml.StartElement, outer *surroundings) error {
		in := outer.inner(tok)
		if in.element(tok) != dav("prop") {
			return p.skip(tok, in)
		}
		return p.children(in, func(tok xml.StartElement, outer *surroundings) error {
			return p.property(tok, outer, name == dav("remove"))
		})
	})
}

// property reads one property.
func (p *updateParser) property(tok xml.StartElement, outer *surroundings, remove bool) error {
	name := outer.inner(tok).element(tok)
	if err := checkPropertyName(name); err != nil {
		return err
	}
	if len(p.list) >= maxUpdates {
		return errTooManyNames
	}
	u := update{PropertyChange: dataprovider.PropertyChange{
		Property: dataprovider.Property{PropertyName: dataprovider.PropertyName(name)},
		Remove:   remove,
	}}
	if remove {
		p.list = append(p.list, u)
		return p.skip(tok, outer)
	}
	v := value{d: p.d, outer: outer}
	err := v.read(tok)
	u.text = v.text.String()
	if u.XML, u.large = v.xml(); u.large {
		u.XML = ""
	}
	p.list = append(p.list, u)
	return err
}

// checkPropertyName refuses what cannot come back in an answer.
func checkPropertyName(name xml.Name) error {
	if len(name.Space)+len(name.Local) > maxPropertyName {
		return errors.New("the name of a property is too long")
	}
	if name.Space == xmlNamespace || name.Space == xmlnsNamespace {
		return errors.New("a property in a namespace of XML itself")
	}
	return nil
}
