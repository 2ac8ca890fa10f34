package tus

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// contentType is that of bodies with data.
const contentType = "application/offset+octet-stream"

// maxMetadata bounds Upload-Metadata: it is kept, and told to hooks.
const maxMetadata = 16 << 10

// number reads a header that is a number; ok tells that it is there. A sign, spaces
// within and what does not fit are no numbers.
func (q *request) number(name string) (n int64, ok bool, err error) {
	values := q.Header.Values(name)
	switch len(values) {
	case 0:
		return 0, false, nil
	case 1:
	default:
		return 0, true, refuse(http.StatusBadRequest, "more than one "+name)
	}
	v, err := strconv.ParseUint(strings.TrimSpace(values[0]), 10, 63)
	if err != nil || strings.ContainsAny(values[0], "+_") {
		return 0, true, refuse(http.StatusBadRequest, name+" is not a number")
	}
	return int64(v), true, nil
}

// offsetStream reports whether the body is declared as data of an upload.
func (q *request) offsetStream() bool {
	kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	return err == nil && strings.EqualFold(kind, contentType)
}

// empty reports whether the request is known to have no body.
func (q *request) empty() bool { return q.ContentLength == 0 && len(q.TransferEncoding) == 0 }

// bounded refuses a body that is larger than a request may bring, if it says so.
func (q *request) bounded() error {
	if limit := q.h.protocol.MaxBody; limit > 0 && q.ContentLength > limit {
		return refuse(http.StatusRequestEntityTooLarge, "request body too large")
	}
	return nil
}

// tooLong refuses a length above the limit.
func (q *request) tooLong(length int64) error {
	if limit := q.h.protocol.MaxSize; limit > 0 && length > limit {
		q.w.Header().Set("Tus-Max-Size", strconv.FormatInt(limit, 10))
		return refuse(http.StatusRequestEntityTooLarge, "the upload would be too large")
	}
	return nil
}
