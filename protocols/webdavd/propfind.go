package webdavd

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sftpgo/dataprovider"
)

// maxNamed is how many properties one request may name: each is answered for
// each entry.
const maxNamed = 256

// query is what a PROPFIND asks for.
type query struct {
	live    []property // with values, or only their names
	dead    bool       // all of them, likewise
	onlyTag bool
	unknown []xml.Name // asked for by name, and not live
}

// stored reports whether the answer depends on dead properties.
func (want *query) stored() bool { return want.dead || len(want.unknown) > 0 }

// propfind tells properties (RFC 4918 section 9.1). The whole tree is refused, as
// section 9.1 allows.
func (q *request) propfind() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	want, err := parsePropfind(body)
	if err != nil {
		return err
	}
	d, err := q.depth()
	if err != nil {
		return err
	}
	info, err := q.s.Stat(q.Context(), q.name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		d = itself
	}
	if d == infinity {
		return &refusal{
			status: http.StatusForbidden, text: "PROPFIND of depth infinity is not supported, use Depth: 1",
			xml: "<D:propfind-finite-depth/>",
		}
	}
	return q.tell(want, info, d)
}

// listing answers a GET or HEAD of a collection.
func (q *request) listing(info fs.FileInfo) error {
	if q.Method == http.MethodHead {
		describeXML(q.w.Header())
		q.w.WriteHeader(http.StatusMultiStatus)
		return nil
	}
	want, err := parsePropfind(nil)
	if err != nil {
		return err
	}
	return q.tell(want, info, children)
}

// tell writes the answer while it reads the listing. Nothing is opened or looked
// at per entry but links; dead properties are read for many entries at a time, and
// only if there are any in the collection. A failure before the first entry is answered as such;
// later ones cut the answer.
func (q *request) tell(want query, info fs.FileInfo, d depth) error {
	top := resource{
		q: q, base: q.name, info: info, known: &known{},
		real: q.lockPath(),
	}
	a, err := q.answer(want, &top, d)
	if err != nil {
		return err
	}
	if d == children {
		r := top
		r.at = strings.TrimSuffix(q.name, "/") + "/"
		r.known.href = appendHref(nil, q.server.prefix+r.at)
		for entry, err := range q.s.List(q.Context(), q.name) {
			if err != nil {
				return err
			}
			r.base = entry.Name()
			if top.real != "" {
				r.real = path.Join(top.real, r.base)
			}
			if r.info = q.followed(r.at, entry); r.info == nil {
				continue
			}
			if err := a.add(&r); err != nil {
				return err
			}
		}
	}
	return a.end()
}

// followed is the entry of a collection, whose name ends in a slash, that a client sees: of a link, what it points to. What is
// neither file nor directory is left out, as is what a program of the host has given a
// name that is no UTF-8: nobody can open it.
func (q *request) followed(at string, entry fs.FileInfo) fs.FileInfo {
	if !utf8.ValidString(entry.Name()) {
		return nil
	}
	if entry.Mode()&fs.ModeSymlink != 0 {
		target, err := q.s.Stat(q.Context(), at+entry.Name())
		if err != nil {
			return nil
		}
		entry = target
	}
	if !entry.IsDir() && !entry.Mode().IsRegular() {
		return nil
	}
	return entry
}

func (q *request) flush(b []byte) ([]byte, error) {
	if q.w.Status == 0 {
		describeXML(q.w.Header())
		q.w.WriteHeader(http.StatusMultiStatus)
	}
	_, err := q.w.Write(b)
	return b[:0], err
}

// append writes the response element of one resource.
func (want *query) append(b []byte, r *resource) []byte {
	b = append(b, "<D:response><D:href>"...)
	if r.at != "" {
		b = append(b, r.known.href...)
		b = appendHref(b, r.base)
	} else {
		b = appendHref(b, r.q.server.prefix+r.base)
	}
	if r.info.IsDir() && !r.isRoot() {
		b = append(b, '/')
	}
	b = append(b, "</D:href><D:propstat><D:prop>"...)
	var missing []string
	for _, p := range want.live {
		start := len(b)
		b = append(append(append(b, "<D:"...), p.name...), '>')
		value := len(b)
		var ok bool
		if b, ok = p.append(b, r); !ok {
			b = b[:start]
			missing = append(missing, p.name)
			continue
		}
		if want.onlyTag {
			b = b[:value]
		}
		b = append(append(append(b, "</D:"...), p.name...), '>')
	}
	b, unknown := want.appendDead(b, r)
	b = append(b, "</D:prop>"...)
	b = appendStatus(b, http.StatusOK)
	b = append(b, "</D:propstat>"...)
	if want.named() && len(missing)+len(unknown) > 0 {
		b = appendMissing(b, missing, unknown)
	}
	return append(b, "</D:response>\n"...)
}

// named reports whether the client asked by name, and hears what is missing.
func (want *query) named() bool { return want.unknown != nil }

// appendDead writes the dead properties that are asked for, and returns the names
// that are nothing here.
func (want *query) appendDead(b []byte, r *resource) (_ []byte, unknown []xml.Name) {
	if want.dead {
		for _, p := range r.dead {
			if want.onlyTag {
				b = appendEmpty(b, xml.Name(p.PropertyName))
			} else {
				b = append(b, p.XML...)
			}
		}
	}
	if want.named() && len(r.dead) == 0 && !slices.Contains(want.unknown, win32Modified()) {
		return b, want.unknown
	}
	for _, name := range want.unknown {
		i := slices.IndexFunc(r.dead, func(p dataprovider.Property) bool { return xml.Name(p.PropertyName) == name })
		switch {
		case name == win32Modified():
			b = appendWin32Modified(b, r.info.ModTime())
		case i < 0:
			unknown = append(unknown, name)
		case !want.dead:
			b = append(b, r.dead[i].XML...)
		}
	}
	return b, unknown
}

func appendMissing(b []byte, live []string, unknown []xml.Name) []byte {
	b = append(b, "<D:propstat><D:prop>"...)
	for _, name := range live {
		b = append(append(append(b, "<D:"...), name...), "/>"...)
	}
	for _, name := range unknown {
		b = appendEmpty(b, name)
	}
	b = append(b, "</D:prop>"...)
	b = appendStatus(b, http.StatusNotFound)
	return append(b, "</D:propstat>"...)
}

// propfindBody is the body of PROPFIND (RFC 4918 section 14.20).
type propfindBody struct {
	XMLName  xml.Name  `xml:"DAV: propfind"`
	Allprop  *struct{} `xml:"DAV: allprop"`
	Propname *struct{} `xml:"DAV: propname"`
	Prop     *names    `xml:"DAV: prop"`
	Include  *names    `xml:"DAV: include"`
}

// names are the names of the elements inside another.
type names []xml.Name

var errTooManyNames = errors.New("too many properties")

// UnmarshalXML collects the names and skips what is in them.
func (n *names) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	for {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(*n) >= maxNamed {
				return errTooManyNames
			}
			if err := checkPropertyName(tok.Name); err != nil {
				return err
			}
			if !slices.Contains(*n, tok.Name) {
				*n = append(*n, tok.Name)
			}
			if err := d.Skip(); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// parsePropfind reads a body; none asks for all.
func parsePropfind(body []byte) (query, error) {
	p := propfindBody{Allprop: &struct{}{}}
	if len(body) > 0 {
		p = propfindBody{}
		if err := xml.Unmarshal(body, &p); err != nil {
			return query{}, &refusal{status: http.StatusBadRequest, text: "malformed propfind", cause: err}
		}
	}
	kinds := 0
	for _, given := range []bool{p.Allprop != nil, p.Propname != nil, p.Prop != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 || p.Include != nil && p.Allprop == nil {
		return query{}, refuse(http.StatusBadRequest, "propfind asks for one of allprop, propname and prop")
	}
	switch {
	case p.Prop != nil:
		want := query{unknown: []xml.Name{}}
		want.add(*p.Prop)
		return want, nil
	case p.Propname != nil:
		return query{live: properties(), dead: true, onlyTag: true}, nil
	}
	want := query{dead: true, live: slices.DeleteFunc(properties(), func(p property) bool { return p.named })}
	if p.Include != nil {
		want.unknown = []xml.Name{}
		want.add(*p.Include)
	}
	return want, nil
}

// add asks for properties by name.
func (want *query) add(asked []xml.Name) {
	known := properties()
	for _, name := range asked {
		i := slices.IndexFunc(known, func(p property) bool { return name.Space == davNamespace && p.name == name.Local })
		switch {
		case i < 0:
			want.unknown = append(want.unknown, name)
		case !slices.ContainsFunc(want.live, func(p property) bool { return p.name == name.Local }):
			want.live = append(want.live, known[i])
		}
	}
}

// baseName is the last element of a name, or of a directory without its slash.
func baseName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
