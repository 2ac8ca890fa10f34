// Package page is the page of the stand-alone server on which people upload files
// with a browser: one document, one style, one script, and tus-js-client.
package page

import (
	"bytes"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// Assets is the path below which the parts of the page are.
const Assets = "/page/"

//go:embed static vendored/tus.min.js
var files embed.FS

// policy lets the page use what is its own and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler answers "/" and what is below Assets.
type Handler struct {
	document []byte
	assets   map[string][]byte // by name
}

var _ http.Handler = (*Handler)(nil)

// New makes the page for uploads to an endpoint, the path of the collection.
func New(endpoint string) (*Handler, error) {
	h := &Handler{assets: map[string][]byte{}}
	for _, name := range []string{"static/page.css", "static/page.js", "static/icon.svg", "vendored/tus.min.js"} {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		h.assets[path.Base(name)] = text
	}
	document, err := template.ParseFS(files, "static/index.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	var b bytes.Buffer
	err = document.Execute(&b, struct{ Assets, Endpoint, Integrity string }{
		Assets, endpoint, integrity(h.assets["tus.min.js"]),
	})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	h.document = b.Bytes()
	return h, nil
}

// kindOf does not ask the tables of the host.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	}
	return "image/svg+xml"
}

// integrity is the digest of a script as browsers compare it.
func integrity(script []byte) string {
	sum := sha512.Sum384(script)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, kind := h.document, "text/html; charset=utf-8"
	if name, ok := strings.CutPrefix(r.URL.Path, Assets); ok {
		text, kind = h.assets[name], kindOf(name)
	} else if r.URL.Path != "/" {
		text = nil
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	switch {
	case text == nil:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	header.Set("Content-Type", kind)
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", `"`+integrity(text)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}
