package webdavd

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/webdav"
)

// target is a resource that a request is about to change.
type target struct {
	name   string
	member bool // it appears in its parent, or goes from there
	tree   bool // all below changes too
}

// guard makes sure that the If header holds, and that the client has named a token
// for each lock that protects the targets (RFC 4918 section 7).
func (q *request) guard(targets ...target) error {
	tree := q.s.StorageRoot()
	lists, err := q.conditions(tree)
	if err != nil || !q.server.locks.any(tree) {
		return err
	}
	submitted := tokens(lists)
	for _, t := range targets {
		if root := q.locked(tree, t, submitted); root != "" {
			return &refusal{
				status: http.StatusLocked, text: "locked",
				xml: "<D:lock-token-submitted><D:href>" + q.server.href(root) + "</D:href></D:lock-token-submitted>",
			}
		}
	}
	return nil
}

// conditions evaluates the If header and returns its lists.
func (q *request) conditions(tree string) ([]ifList, error) {
	header := strings.Join(q.Header.Values("If"), " ")
	if header == "" {
		return nil, nil
	}
	lists, err := parseIf(header)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "malformed If header")
	}
	for _, l := range lists {
		if q.holds(tree, l) {
			return lists, nil
		}
	}
	return nil, refuse(http.StatusPreconditionFailed, "no list of the If header holds")
}

// locked returns the root of a lock that protects t and whose token was not
// submitted, or "". Of several shared locks on one root, one token is enough.
func (q *request) locked(tree string, t target, submitted map[string]bool) string {
	found := q.server.locks.covering(tree, t.name)
	if t.tree {
		found = append(found, q.server.locks.members(tree, t.name)...)
	}
	if t.member && t.name != "/" { // a lock on a collection protects its list of members
		found = append(found, q.server.locks.covering(tree, path.Dir(t.name))...)
	}
	open := map[string]bool{}
	user := q.s.User().Username
	for _, l := range found {
		open[l.root] = open[l.root] || submitted[l.token] && l.user == user
	}
	for root, ok := range open {
		if !ok {
			return root
		}
	}
	return ""
}

// holds evaluates one list of the If header.
func (q *request) holds(tree string, l ifList) bool {
	name := q.name
	if l.resource != "" {
		u, err := url.Parse(l.resource)
		if err != nil {
			return false
		}
		if name, err = q.server.nameOf(u.Path); err != nil {
			return false
		}
	}
	for _, c := range l.conditions {
		if q.condition(tree, name, c) == c.Not {
			return false
		}
	}
	return true
}

func (q *request) condition(tree, name string, c webdav.Condition) bool {
	if c.Token != "" {
		for _, l := range q.server.locks.covering(tree, name) {
			if l.token == c.Token {
				return true
			}
		}
		return false
	}
	info, err := q.stat(name)
	return err == nil && info != nil && !info.IsDir() && etagOf(info) == c.ETag
}
