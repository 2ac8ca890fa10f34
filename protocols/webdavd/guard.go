package webdavd

import (
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/webdav"

	"sftpgo/dataprovider"
)

// target is a resource that a request is about to change.
type target struct {
	name   string
	member bool // it appears in its parent, or goes from there
	tree   bool // all below changes too
}

// guard makes sure that the If header holds (412), and that the client has named a
// token for each lock that protects the targets (423; RFC 4918 section 7).
func (q *request) guard(targets ...target) error {
	lists, err := q.conditions()
	if err != nil {
		return err
	}
	return q.locked(tokens(lists), targets...)
}

// locked refuses with 423 what is protected by a lock whose token was not submitted.
func (q *request) locked(submitted map[string]bool, targets ...target) error {
	if !q.server.locks.any() {
		return nil
	}
	for _, t := range targets {
		if l, ok := q.protecting(t, submitted); ok {
			return &refusal{
				status: http.StatusLocked, text: "locked",
				xml: "<D:lock-token-submitted><D:href>" + q.server.href(q.lockRoot(l)) + "</D:href></D:lock-token-submitted>",
			}
		}
	}
	return nil
}

// publishable is what guard and precondition say when the body of a PUT has arrived:
// others may have locked or replaced the resource meanwhile. Of the If header only
// validators are looked at again: that a lock has run out during a long upload harms
// nobody as long as there is no other.
func (q *request) publishable(old fs.FileInfo) error {
	if header := q.ifHeader(); header != "" {
		lists, err := parseIf(header)
		if err != nil {
			return err // it was well-formed
		}
		if !slices.ContainsFunc(lists, func(l ifList) bool { return q.stillHolds(l, old) }) {
			return refuse(http.StatusPreconditionFailed, "the resource is another one than when the upload began")
		}
	}
	if err := q.stillFree(target{name: q.name, member: old == nil}); err != nil {
		return err
	}
	return q.precondition(old)
}

// stillFree is guard for what has gone on for a while, and whose If header has held:
// others may have locked the target meanwhile.
func (q *request) stillFree(t target) error {
	if err := q.server.locks.follow(q.changing(), 0); err != nil {
		return err
	}
	if !q.server.locks.any() {
		return nil
	}
	var submitted map[string]bool
	if header := q.ifHeader(); header != "" {
		lists, err := parseIf(header)
		if err != nil {
			return err // it was well-formed
		}
		submitted = tokens(lists)
	}
	return q.locked(submitted, t)
}

func (q *request) ifHeader() string { return strings.Join(q.Header.Values("If"), " ") }

// stillHolds is holds for what is said about validators. The session shows the new
// file already, hence old.
func (q *request) stillHolds(l ifList, old fs.FileInfo) bool {
	name, mapped := q.named(l)
	for _, c := range l.conditions {
		if c.Token != "" {
			continue
		}
		matches := validates(c, old)
		if name != q.name {
			matches = q.condition(name, c)
		}
		if (mapped && matches) == c.Not {
			return false
		}
	}
	return true
}

// conditions evaluates the If header on the locks of this moment, and returns its
// lists.
func (q *request) conditions() ([]ifList, error) {
	if err := q.server.locks.follow(q.changing(), 0); err != nil {
		return nil, err
	}
	header := q.ifHeader()
	if header == "" {
		return nil, nil
	}
	lists, err := parseIf(header)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "malformed If header")
	}
	for _, l := range lists {
		if q.holds(l) {
			return lists, nil
		}
	}
	return nil, refuse(http.StatusPreconditionFailed, "no list of the If header holds")
}

// protecting returns a lock that protects t and whose token was not submitted. Of
// several shared locks on one root, one token is enough.
func (q *request) protecting(t target, submitted map[string]bool) (dataprovider.Lock, bool) {
	locks := q.server.locks
	found := q.covering(t.name)
	if t.tree {
		found = append(found, locks.members(q.s.RealPath(q.changing(), t.name))...)
	}
	if t.member && t.name != "/" { // a lock on a collection protects its list of members
		found = append(found, locks.covering(q.s.RealPath(q.changing(), path.Dir(t.name)))...)
	}
	open := map[string]bool{}
	user := q.s.User().Username
	for _, l := range found {
		open[l.Path] = open[l.Path] || submitted[l.Token] && l.Holder == user
	}
	for _, l := range found {
		if !open[l.Path] {
			return l, true
		}
	}
	return dataprovider.Lock{}, false
}

// covering returns the locks that hold for a name: those of what it leads to and, for a
// link, those of the collections that the link is in.
func (q *request) covering(name string) []dataprovider.Lock {
	at := q.s.RealPath(q.changing(), name)
	found := q.server.locks.covering(at)
	if entry := q.place(name); entry != at {
		found = append(found, q.server.locks.covering(entry)...)
	}
	return found
}

// holds evaluates one list of the If header.
func (q *request) holds(l ifList) bool {
	name, mapped := q.named(l)
	for _, c := range l.conditions {
		if (mapped && q.condition(name, c)) == c.Not {
			return false
		}
	}
	return true
}

// named is the resource that a list is about.
func (q *request) named(l ifList) (name string, mapped bool) {
	if l.resource == "" {
		return q.name, true
	}
	return q.mapped(l.resource)
}

// mapped is the name that a URL stands for, whatever its host: a proxy may have
// another. One that stands for none has no
// locks and no validator, which is no fault of the header (RFC 4918 section
// 10.4.4).
func (q *request) mapped(resource string) (string, bool) {
	u, err := url.Parse(resource)
	if err != nil {
		return "", false
	}
	name, err := q.server.nameOf(u.Path)
	return name, err == nil
}

func (q *request) condition(name string, c webdav.Condition) bool {
	if c.Token != "" {
		for _, l := range q.covering(name) {
			if l.Token == c.Token {
				return true
			}
		}
		return false
	}
	info, err := q.stat(name)
	return err == nil && validates(c, info)
}

func validates(c webdav.Condition, info fs.FileInfo) bool {
	return info != nil && !info.IsDir() && etagOf(info) == c.ETag
}
