package webdavd

import (
	"errors"
	"strings"

	"golang.org/x/net/webdav"
)

// ifList is one list of the If header (RFC 4918 section 10.4): all its conditions
// must hold for the resource.
type ifList struct {
	resource   string // URL of the tag before it; empty is the request's
	conditions []webdav.Condition
}

var errIfHeader = errors.New("malformed If header")

// maxConditions is how many conditions one header may have.
const maxConditions = 1000

// parseIf reads an If header. One list that holds is enough.
func parseIf(header string) ([]ifList, error) {
	p := ifParser{rest: header}
	var lists []ifList
	resource, tagged, n := "", false, 0
	for p.skip(); p.rest != ""; p.skip() {
		switch {
		case p.rest[0] == '<' && (tagged || len(lists) == 0):
			if tagged && n == 0 {
				return nil, errIfHeader // a tag without a list
			}
			uri, ok := p.between('<', '>')
			if !ok {
				return nil, errIfHeader
			}
			resource, tagged, n = uri, true, 0
		case p.rest[0] == '(':
			conditions, ok := p.list()
			if !ok || len(lists)+len(conditions) > maxConditions {
				return nil, errIfHeader
			}
			lists = append(lists, ifList{resource, conditions})
			n++
		default:
			return nil, errIfHeader
		}
	}
	if len(lists) == 0 || tagged && n == 0 {
		return nil, errIfHeader
	}
	return lists, nil
}

type ifParser struct{ rest string }

func (p *ifParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t") }

// between takes what stands between two delimiters.
func (p *ifParser) between(open, end byte) (string, bool) {
	i := strings.IndexByte(p.rest, end)
	if p.rest[0] != open || i < 2 {
		return "", false
	}
	s := p.rest[1:i]
	p.rest = p.rest[i+1:]
	return s, true
}

// entityTag takes a validator in brackets. It is quoted, and may hold a bracket
// itself (RFC 9110 section 8.8.3).
func (p *ifParser) entityTag() (string, bool) {
	tag := strings.TrimSpace(p.rest[1:])
	opaque, ok := strings.CutPrefix(strings.TrimPrefix(tag, "W/"), `"`)
	end := strings.IndexByte(opaque, '"')
	if !ok || end < 0 {
		return "", false
	}
	after, ok := strings.CutPrefix(strings.TrimLeft(opaque[end+1:], " \t"), "]")
	tag = tag[:len(tag)-len(opaque)+end+1]
	p.rest = after
	return tag, ok
}

// list takes one list in parentheses.
func (p *ifParser) list() ([]webdav.Condition, bool) {
	p.rest = p.rest[1:]
	var conditions []webdav.Condition
	for {
		p.skip()
		var c webdav.Condition
		if len(p.rest) > 3 && strings.EqualFold(p.rest[:3], "Not") {
			c.Not, p.rest = true, p.rest[3:]
			p.skip()
		}
		if p.rest == "" {
			return nil, false
		}
		var ok bool
		switch p.rest[0] {
		case ')':
			p.rest = p.rest[1:]
			return conditions, len(conditions) > 0 && !c.Not
		case '<':
			c.Token, ok = p.between('<', '>')
		case '[':
			c.ETag, ok = p.entityTag()
		}
		if !ok {
			return nil, false
		}
		conditions = append(conditions, c)
	}
}

// tokens returns the lock tokens that the lists name. Naming one anywhere counts
// as submitting it.
func tokens(lists []ifList) map[string]bool {
	found := map[string]bool{}
	for _, l := range lists {
		for _, c := range l.conditions {
			if c.Token != "" {
				found[c.Token] = true
			}
		}
	}
	return found
}
