package tus

import (
	"net/http"
	"strconv"
	"strings"
)

// head tells how far an upload is.
func (q *request) head() error {
	rec, err := q.h.uploads.Look(q.context(), q.s, q.id)
	h := q.w.Header()
	h.Set("Cache-Control", "no-store")
	if err != nil {
		return err
	}
	h.Set("Upload-Offset", strconv.FormatInt(rec.Offset, 10))
	if rec.Length >= 0 {
		h.Set("Upload-Length", strconv.FormatInt(rec.Length, 10))
	} else {
		h.Set("Upload-Defer-Length", "1")
	}
	if rec.Metadata != "" {
		h.Set("Upload-Metadata", rec.Metadata)
	}
	switch {
	case rec.Partial:
		h.Set("Upload-Concat", "partial")
	case rec.Final:
		urls := make([]string, len(rec.Parts))
		for i, id := range rec.Parts {
			urls[i] = q.location(id)
		}
		h.Set("Upload-Concat", "final;"+strings.Join(urls, " "))
	}
	q.expires(rec)
	q.w.WriteHeader(http.StatusOK)
	return nil
}
