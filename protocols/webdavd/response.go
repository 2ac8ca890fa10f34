package webdavd

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"sftpgo/protocols"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// refusal is an answer that HTTP or WebDAV asks for, where the table of failures
// knows only the error.
type refusal struct {
	status int
	text   string
	xml    string // precondition code of RFC 4918 section 16, inside DAV:error
	cause  error  // for the log; may be nil
}

func (e *refusal) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

func (e *refusal) Unwrap() error { return e.cause }

func refuse(status int, text string) error { return &refusal{status: status, text: text} }

// missingParent turns the absence of a parent, which is 404 in the table, into
// the 409 that RFC 4918 wants of PUT, MKCOL, LOCK, COPY and MOVE.
func missingParent(err error) error {
	if errors.Is(err, vfs.ErrNotExist) {
		return &refusal{status: http.StatusConflict, text: "parent collection does not exist", cause: err}
	}
	return err
}

// answer sends the answer to a request that failed. When the status has left
// already, all that remains is to cut the connection, so that the client does
// not take a part for the whole.
func answer(w *web.Response, err error, id string) {
	if w.Status != 0 {
		panic(http.ErrAbortHandler)
	}
	status, text, xml := statusOf(err)
	if status == http.StatusInternalServerError && id != "" {
		text += " (" + id + ")"
	}
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges", "Content-Disposition"} {
		if status != http.StatusRequestedRangeNotSatisfiable || name != "Content-Range" {
			h.Del(name)
		}
	}
	switch status {
	case http.StatusNotModified:
		h.Del("Content-Type")
		w.WriteHeader(status)
		return
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
		h.Set("Connection", "close") // the end of a session leaves deadlines on it
	}
	body, kind := text+"\n", "text/plain; charset=utf-8"
	if d, ok := protocols.DenialOf(err); ok { // the words of a hook as they are
		body = d.Body
		if d.ContentType != "" {
			kind = d.ContentType
		}
	}
	if xml != "" {
		body = xmlHeader + `<D:error xmlns:D="DAV:">` + xml + `</D:error>` + "\n"
		kind = xmlType
	}
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client has gone if this fails
}

// statusOf is the one table of failures, with what HTTP adds to it.
func statusOf(err error) (status int, text, xml string) {
	var r *refusal
	if errors.As(err, &r) {
		return r.status, r.text, r.xml
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge, "request body too large", ""
	}
	st := protocols.StatusOf(err)
	return st.HTTP, st.Text, ""
}
