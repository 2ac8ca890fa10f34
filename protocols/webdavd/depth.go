package webdavd

import (
	"net/http"
	"strings"
)

// depth is the value of the Depth header (RFC 4918 section 10.2).
type depth int

const (
	itself depth = iota
	children
	infinity
)

// depth reads the header; a method that has none acts on everything.
func (q *request) depth() (depth, error) {
	switch d := q.Header.Get("Depth"); {
	case d == "" || strings.EqualFold(d, "infinity"):
		return infinity, nil
	case d == "0":
		return itself, nil
	case d == "1":
		return children, nil
	}
	return 0, refuse(http.StatusBadRequest, "malformed Depth header")
}
