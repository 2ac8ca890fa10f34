package tus

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// get sends what came of an upload, complete or not.
func (q *request) get() (err error) {
	rec, t, err := q.h.uploads.Open(q.context(), q.s, q.id)
	if err != nil {
		return err
	}
	defer func() {
		t.TransferError(err)
		if cerr := t.Close(); err == nil {
			err = cerr
		}
	}()
	info, err := t.Stat()
	if err != nil {
		return err
	}
	describe(q.w.Header(), rec)
	if rec.State == dataprovider.UploadComplete {
		id := vfs.FileIDOf(info)
		if id == "" {
			id = rec.ID
		}
		q.w.Header().Set("ETag", fmt.Sprintf(`"%x-%x-%x"`, id, info.Size(), info.ModTime().UnixNano()))
	} else {
		q.w.Header().Set("Cache-Control", "no-store")
	}
	content := &content{Transfer: t}
	modified := info.ModTime()
	if rec.State != dataprovider.UploadComplete {
		modified = time.Time{}
	}
	// ServeContent knows ranges and conditions; the name has been dealt with.
	http.ServeContent(q.w, q.Request, "", modified, content)
	return content.err
}

// content notes why a download failed.
type content struct {
	*session.Transfer
	err error
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.Transfer.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// describe sets what a client is told about the kind of a file. Nothing that somebody
// uploaded runs in the origin of the server: browsers must not guess another type,
// open it in a sandbox, and save what might be active.
func describe(h http.Header, rec dataprovider.Upload) {
	fields, _ := session.ParseMetadata(rec.Metadata) // it was read before
	name := fields["filename"]
	if name == "" {
		name = fields["name"]
	}
	if name == "" {
		name = path.Base(rec.Name)
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'")
	how := "attachment"
	if inert(kind) {
		how = "inline"
	}
	if d := mime.FormatMediaType(how, map[string]string{"filename": path.Base(name)}); d != "" {
		how = d
	}
	h.Set("Content-Disposition", how)
}

// inert tells of types that a browser shows without running anything of them.
func inert(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	group, rest, _ := strings.Cut(kind, "/")
	switch group {
	case "image", "audio", "video":
		return !strings.Contains(rest, "xml") // SVG is a document
	}
	return kind == "text/plain"
}
