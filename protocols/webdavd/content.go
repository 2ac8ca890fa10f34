package webdavd

import (
	"mime"
	"net/http"
	"path"
	"strings"
)

// describe sets what a client is told about the kind of a file, so that nothing
// which a user uploads runs script in the origin of the server: browsers must not
// guess another type, open it in a sandbox, and save what might be active.
func describe(h http.Header, name string) {
	kind := contentType(name)
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	kind, _, _ = strings.Cut(kind, ";")
	if kind == "application/pdf" {
		// The viewers of browsers do not open in a sandbox; script of a document runs
		// in the viewer, not in the origin.
		h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'")
		return
	}
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'")
	if !inert(kind) {
		h.Set("Content-Disposition", "attachment")
	}
}

// describeXML is describe for answers in XML. They may hold elements that users
// wrote (properties, owners of locks), and browsers run script in any XML.
func describeXML(h http.Header) {
	h.Set("Content-Type", xmlType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// inert tells of types that a browser shows without running anything of them.
func inert(kind string) bool {
	group, rest, _ := strings.Cut(kind, "/")
	switch group {
	case "image":
		return !strings.Contains(rest, "xml") // SVG is a document
	case "audio", "video":
		return !strings.Contains(rest, "xml")
	case "text":
		return rest == "plain" || rest == "csv" || rest == "markdown"
	}
	return kind == "application/json"
}

// contentType goes by the extension: content is never read for it, which would
// be a download that nobody asked for.
func contentType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
