package tus

import (
	"net/http"
	"net/url"
	"strings"

	"sftpgo/protocols/session"
)

// maxParts bounds how many parts one upload may be put together of.
const maxParts = 10000

// concatenated reads Upload-Concat: the upload is a part of another, or is put
// together of parts (final).
func (q *request) concatenated(n *session.NewUpload) (ids []string, final bool, err error) {
	value := strings.TrimSpace(q.Header.Get("Upload-Concat"))
	if value == "" {
		return nil, false, nil
	}
	if !q.h.protocol.on(Concatenation) {
		return nil, false, refuse(http.StatusBadRequest, "concatenation is not supported")
	}
	if value == "partial" {
		n.Partial = true
		return nil, false, nil
	}
	list, ok := strings.CutPrefix(value, "final;")
	if !ok {
		return nil, false, refuse(http.StatusBadRequest, "malformed Upload-Concat")
	}
	for _, part := range strings.Fields(list) {
		id, err := q.partID(part)
		if err != nil {
			return nil, true, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 || len(ids) > maxParts {
		return nil, true, refuse(http.StatusBadRequest, "Upload-Concat names no parts, or too many")
	}
	return ids, true, nil
}

// partID is the id that a URL names. Whatever its host: a proxy may have another.
func (q *request) partID(part string) (string, error) {
	u, err := url.Parse(part)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "malformed URL in Upload-Concat")
	}
	rest, ok := strings.CutPrefix(u.Path, q.h.protocol.Prefix+"/")
	id := strings.Trim(rest, "/")
	if !ok && !strings.Contains(u.Path, "/") {
		id = u.Path // relative to the collection
	}
	if id == "" || strings.Contains(id, "/") {
		return "", refuse(http.StatusNotFound, "Upload-Concat names what is no upload")
	}
	return id, nil
}

// concatenate answers the creation of an upload that is put together.
func (q *request) concatenate(n session.NewUpload, ids []string) error {
	switch {
	case n.Length >= 0 || q.Header.Get("Upload-Defer-Length") != "":
		return refuse(http.StatusBadRequest, "the length of an upload that is put together is that of its parts")
	case !q.empty() && (q.ContentLength > 0 || !q.bodyless()):
		return refuse(http.StatusForbidden, "an upload that is put together takes no data")
	}
	rec, err := q.h.uploads.Concatenate(q.context(), q.s, n, ids, q.h.protocol.MaxSize)
	if err != nil {
		return q.conflict(n.Name, err)
	}
	return q.created(rec)
}
