package webdavd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// maxOwner is how long the element about the owner of a lock may be: it is kept
// and shown in listings.
const maxOwner = 4 << 10

var errOwnerTooLong = errors.New("the owner of the lock is too long")

// ownerOf returns the owner element of a lockinfo as it was sent, able to stand in
// any answer; empty if there is none. Servers do not look into it (RFC 4918 section
// 14.17). The body is known to be well-formed.
func ownerOf(body []byte) (string, error) {
	p := updateParser{d: xml.NewDecoder(bytes.NewReader(body))}
	owner := ""
	visit := func(tok xml.StartElement, outer *surroundings) error {
		if owner != "" || outer.inner(tok).element(tok) != dav("owner") {
			return p.skip(tok, outer)
		}
		v := value{d: p.d, outer: outer}
		err := v.read(tok)
		if err != nil {
			return err
		}
		large := false
		if owner, large = v.xml(); large || len(owner) > maxOwner {
			return errOwnerTooLong
		}
		return nil
	}
	for {
		tok, err := p.d.RawToken()
		if errors.Is(err, io.EOF) {
			return owner, nil
		}
		if err != nil {
			return "", err
		}
		if start, ok := tok.(xml.StartElement); ok {
			if err := p.children((*surroundings)(nil).inner(start), visit); err != nil {
				return "", err
			}
		}
	}
}
