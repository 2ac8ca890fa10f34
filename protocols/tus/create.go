package tus

import (
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// create begins an upload (tus: creation). What the request has of the data is stored
// at once; without data nothing is read.
func (q *request) create() error {
	n, err := q.wanted()
	if err != nil {
		return err
	}
	if parts, final, err := q.concatenated(&n); final || err != nil {
		if err != nil {
			return err
		}
		return q.concatenate(n, parts)
	}
	sum, err := q.checksum()
	if err != nil {
		return err
	}
	data := q.offsetStream() && !q.empty() && q.h.protocol.on(WithUpload)
	switch {
	case data:
		err = q.fits(n.Length, 0)
	case !q.empty() && (q.ContentLength > 0 || !q.bodyless()):
		err = refuse(http.StatusUnsupportedMediaType, "data of an upload are "+contentType)
	}
	if err != nil {
		return err
	}
	n.Whole = n.Length == 0 || data && q.ContentLength == n.Length && !n.Partial
	b := q.openBody()
	u, err := q.h.uploads.Create(q.context(), q.s, n, b.interrupt)
	if err != nil {
		return q.conflict(n.Name, err)
	}
	err = ending(u, func() error {
		if !data {
			return nil
		}
		return q.receive(u, b, sum)
	})
	if err != nil {
		return err
	}
	return q.created(u.Info())
}

// bodyless reads the body of a request that does not say how long it is, and reports
// whether it was empty.
func (q *request) bodyless() bool {
	var one [1]byte
	n, _ := q.openBody().Read(one[:])
	return n == 0
}

// created answers with the URL of the upload.
func (q *request) created(rec dataprovider.Upload) error {
	h := q.w.Header()
	h.Set("Location", q.location(rec.ID))
	h.Set("Upload-Offset", strconv.FormatInt(rec.Offset, 10))
	q.expires(rec)
	h.Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// expires tells until when an upload that is not complete may be continued.
func (q *request) expires(rec dataprovider.Upload) {
	if rec.State == dataprovider.UploadOpen && !rec.Expires.IsZero() && q.h.protocol.on(Expiration) {
		q.w.Header().Set("Upload-Expires", rec.Expires.UTC().Format(http.TimeFormat))
	}
}

// wanted reads what the client asks for.
func (q *request) wanted() (n session.NewUpload, err error) {
	n = session.NewUpload{Length: -1, Unheard: true, Request: q.told}
	length, known, err := q.number("Upload-Length")
	if err != nil {
		return n, err
	}
	if known {
		n.Length = length
	}
	deferred := q.Header.Get("Upload-Defer-Length")
	final := strings.HasPrefix(q.Header.Get("Upload-Concat"), "final")
	switch {
	case deferred != "" && deferred != "1":
		err = refuse(http.StatusBadRequest, "Upload-Defer-Length is not 1")
	case known && deferred != "":
		err = refuse(http.StatusBadRequest, "Upload-Length and Upload-Defer-Length exclude each other")
	case deferred != "" && !q.h.protocol.on(DeferLength):
		err = refuse(http.StatusBadRequest, "Upload-Length is required")
	case !known && deferred == "" && !final:
		err = refuse(http.StatusBadRequest, "Upload-Length or Upload-Defer-Length is required")
	case known && length == 0 && q.h.protocol.RefuseEmpty:
		err = refuse(http.StatusBadRequest, "an upload must not be empty")
	case known:
		err = q.tooLong(length)
	}
	if err != nil {
		return n, err
	}
	n.Metadata = strings.Join(q.Header.Values("Upload-Metadata"), ",")
	if len(n.Metadata) > maxMetadata {
		return n, refuse(http.StatusBadRequest, "Upload-Metadata is too long")
	}
	fields, err := session.ParseMetadata(n.Metadata)
	if err == nil {
		n.Name, err = target(fields)
	}
	return n, err
}

// target is where an upload is to go by its metadata: path, or dir and a file name,
// or a file name; none is left to the session. A file name is one component, whatever
// it looks like.
func target(fields map[string]string) (string, error) {
	if at := fields["path"]; at != "" {
		if strings.HasSuffix(at, "/") {
			return "", refuse(http.StatusBadRequest, "the path in the metadata names a directory")
		}
		return vfs.ParseName("/", at)
	}
	file := fields["filename"]
	if file == "" {
		file = fields["name"]
	}
	if file == "" {
		return "", nil
	}
	if strings.ContainsRune(file, '/') || file == "." || file == ".." {
		return "", refuse(http.StatusBadRequest, "the file name in the metadata is a path")
	}
	dir, err := vfs.ParseName("/", fields["dir"])
	if err != nil {
		return "", err
	}
	return vfs.ParseName("/", path.Join(dir, file))
}

// conflict turns errors of the table into what tus says at creation: a file that is
// there and may not be overwritten is 409, as is a missing directory.
func (q *request) conflict(name string, err error) error {
	var known *refusal
	switch {
	case errors.As(err, &known) || name == "" || errors.Is(err, session.ErrNoUpload):
		return err
	case errors.Is(err, vfs.ErrExist), errors.Is(err, vfs.ErrNotExist), errors.Is(err, vfs.ErrNotDir):
		return &refusal{status: http.StatusConflict, text: "cannot be created there", cause: err}
	case errors.Is(err, vfs.ErrPermission):
		if info, serr := q.s.Stat(q.context(), name); serr == nil && !info.IsDir() && q.s.Rights(path.Dir(name)).Upload {
			return &refusal{status: http.StatusConflict, text: "already exists", cause: err}
		}
	}
	return err
}
