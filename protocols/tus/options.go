package tus

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/protocols/web"
)

// options tells what the server can do. It needs no login, and no version.
func (q *request) options() error {
	h, p := q.w.Header(), &q.h.protocol
	h.Set("Tus-Version", Version)
	var on []string
	for _, e := range Extensions() {
		if p.on(e) {
			on = append(on, e)
		}
	}
	if len(on) > 0 {
		h.Set("Tus-Extension", strings.Join(on, ","))
	}
	if p.MaxSize > 0 {
		h.Set("Tus-Max-Size", strconv.FormatInt(p.MaxSize, 10))
	}
	if p.on(Checksum) {
		h.Set("Tus-Checksum-Algorithm", strings.Join(checksums(), ","))
	}
	if len(p.Drafts) > 0 && p.on(Creation) {
		h.Set("Accept-Patch", partialUpload)
		h.Set("Upload-Limit", q.limits(dataprovider.Upload{}))
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// origins completes the settings of CORS with what tus needs.
func origins(c web.CORS) web.Origins {
	if len(c.AllowedMethods) == 0 {
		c.AllowedMethods = []string{"POST", "HEAD", "PATCH", "OPTIONS", "GET", "DELETE", "PUT"}
	}
	c.AllowedHeaders = append(slices.Clone(c.AllowedHeaders),
		"Authorization", "Content-Type", "Origin", "X-Requested-With", "X-Request-ID", "X-HTTP-Method-Override",
		"Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat",
		"Upload-Checksum", "Upload-Draft-Interop-Version", "Upload-Complete", "Content-Disposition", "Content-Digest", "Repr-Digest")
	c.ExposedHeaders = append(slices.Clone(c.ExposedHeaders),
		"Location", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat", "Upload-Expires",
		"Tus-Version", "Tus-Resumable", "Tus-Max-Size", "Tus-Extension", "Tus-Checksum-Algorithm",
		"Upload-Draft-Interop-Version", "Upload-Complete", "Upload-Limit", "Accept-Patch", "Retry-After", "ETag", "Content-Range")
	if c.MaxAge == 0 {
		c.MaxAge = 86400
	}
	o := web.NewOrigins(c)
	o.Preflight = http.StatusOK
	return o
}
