package tus

import (
	"encoding/base64"
	"mime"
	"net/http"
	"path"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// draftCreate begins an upload (section 4.2 of the draft). Its client hears the URL
// before it has sent the data, so that it can go on when the connection breaks.
func (q *request) draftCreate() error {
	last, ok := sfBoolean(q.Header.Values("Upload-Complete"))
	if !ok {
		return refuse(http.StatusBadRequest, "Upload-Complete is required")
	}
	n, err := q.draftWanted(last)
	if err != nil {
		return err
	}
	sum, err := q.contentDigest()
	if err != nil {
		return err
	}
	if err := q.bounded(); err != nil {
		return err
	}
	n.Whole = last && !q.speaks.told && n.Length >= 0 && n.Digest == ""
	b := q.openBody()
	u, err := q.h.uploads.Create(q.context(), q.s, n, b.interrupt)
	if err != nil {
		return q.conflict(n.Name, err)
	}
	rec := u.Info()
	q.w.Header().Set("Upload-Limit", q.limits(rec))
	q.w.Header().Set("Location", q.location(rec.ID))
	claim := more
	if last {
		claim = all
	}
	err = ending(u, func() error {
		if q.speaks.told {
			q.interim()
		}
		return q.draftReceive(u, b, sum, claim)
	})
	if err != nil {
		return q.draftFailed(u, err)
	}
	return q.draftDone(u.Info(), http.StatusCreated)
}

// draftDone answers a request that has brought data. What completes an upload has one
// answer, whichever request it was.
func (q *request) draftDone(rec dataprovider.Upload, status int) error {
	h := q.w.Header()
	q.draftState(rec)
	if rec.State == dataprovider.UploadComplete {
		status = http.StatusCreated
	}
	if status == http.StatusCreated {
		h.Set("Location", q.location(rec.ID))
		h.Set("Content-Length", "0")
	}
	h.Set("Upload-Limit", q.limits(rec))
	q.w.WriteHeader(status)
	return nil
}

// draftWanted reads what the client asks for.
func (q *request) draftWanted(last bool) (n session.NewUpload, err error) {
	n = session.NewUpload{Withheld: !last, Unheard: !q.speaks.told, Request: q.told, Digest: q.reprDigest()}
	if n.Length, err = q.draftLength(0, last); err != nil {
		return n, err
	}
	if last && n.Length == 0 && q.h.protocol.RefuseEmpty {
		return n, refuse(http.StatusBadRequest, "an upload must not be empty")
	}
	if err := q.tooLong(n.Length); err != nil {
		return n, err
	}
	if n.Metadata, err = q.draftMetadata(); err != nil {
		return n, err
	}
	if q.method == http.MethodPut && q.id != "" {
		n.Name, err = vfs.ParseName("/", q.id)
		return n, err
	}
	fields, err := session.ParseMetadata(n.Metadata)
	if err == nil {
		n.Name, err = target(fields)
	}
	return n, err
}

// draftLength is what a request says of the length of the whole upload; -1 is nothing.
func (q *request) draftLength(offset int64, last bool) (int64, error) {
	length, told := sfInteger(q.Header.Values("Upload-Length"))
	if !told {
		length = -1
	}
	if told && (length < offset || q.ContentLength > length-offset || last && q.ContentLength >= 0 && q.ContentLength != length-offset) {
		return 0, inconsistent(nil)
	}
	if !told && last && q.ContentLength >= 0 {
		if length = offset + q.ContentLength; length < 0 {
			return 0, inconsistent(nil)
		}
	}
	return length, nil
}

// draftMetadata is the metadata of tus from the fields of HTTP: the file name of
// Content-Disposition, and Content-Type. tus-js-client sends its own, which count more.
func (q *request) draftMetadata() (string, error) {
	raw := strings.Join(q.Header.Values("Upload-Metadata"), ",")
	fields, err := session.ParseMetadata(raw)
	if err != nil {
		return "", err
	}
	add := func(key, value string) {
		if _, there := fields[key]; there || value == "" {
			return
		}
		if raw != "" {
			raw += ","
		}
		raw += key + " " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	if fields["name"] == "" {
		name, err := q.draftName()
		if err != nil {
			return "", err
		}
		add("filename", name)
	}
	if kind := q.Header.Get("Content-Type"); q.mediaType() != partialUpload {
		add("filetype", kind)
	}
	if len(raw) > maxMetadata {
		return "", refuse(http.StatusBadRequest, "the metadata are too long")
	}
	return raw, nil
}

// draftName is the file name that a request gives: in its path, or as a parameter,
// which may be in the form of RFC 8187.
func (q *request) draftName() (string, error) {
	if q.method == http.MethodPut && q.id != "" {
		return path.Base(q.id), nil
	}
	text := q.Header.Get("Content-Disposition")
	if text == "" {
		return "", nil
	}
	_, params, err := mime.ParseMediaType(text)
	if err != nil {
		return "", &refusal{status: http.StatusBadRequest, text: "malformed Content-Disposition", cause: err}
	}
	return params["filename"], nil
}

// mediaType is that of the body, without parameters.
func (q *request) mediaType() string {
	kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")) // empty if it is none
	return kind
}
