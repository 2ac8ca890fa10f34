package tus

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sftpgo/actions"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// challenge asks for a login. The realm is what saved passwords of clients hang on.
const challenge = `Basic realm="SFTPGo uploads", charset="UTF-8"`

// refusal is an answer that tus asks for, where the table of failures knows only the
// error.
type refusal struct {
	status int
	text   string
	cause  error // for the log; may be nil
}

func (e *refusal) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

func (e *refusal) Unwrap() error { return e.cause }

func refuse(status int, text string) error { return &refusal{status: status, text: text} }

// answer is what a client is sent of a failure.
type answer struct {
	status int
	kind   string
	body   string
}

// answerTo is the one table of failures, with what tus adds to it.
func answerTo(err error) answer {
	a := answer{kind: "text/plain; charset=utf-8"}
	var r *refusal
	var d *actions.Denial
	var p *problem
	switch {
	case errors.As(err, &p):
		a = p.answer()
	case errors.As(err, &r):
		a.status, a.body = r.status, r.text+"\n"
	case errors.As(err, &d):
		if a.status, a.body = d.Status, d.Body; a.status < 300 || a.status > 599 {
			a.status = http.StatusBadRequest
		}
		if d.ContentType != "" {
			a.kind = d.ContentType
		}
		if a.body == "" && d.ContentType == "" {
			a.body = "refused by policy\n"
		}
	case errors.Is(err, ErrLogin):
		a.status, a.body = http.StatusUnauthorized, "login required\n"
	case errors.Is(err, actions.ErrOverloaded): // clients of tus try again then
		a.status, a.body = http.StatusServiceUnavailable, protocols.StatusOf(err).Text+"\n"
	default:
		st := protocols.StatusOf(err)
		a.status, a.body = st.HTTP, st.Text+"\n"
	}
	return a
}

// refused answers a request that failed. When the status has left already, all that
// remains is to cut the connection, so that the client does not take a part for the
// whole.
func (q *request) refused(err error) {
	if q.w.Status != 0 {
		panic(http.ErrAbortHandler)
	}
	a := answerTo(err)
	h := q.w.Header()
	for _, name := range []string{"Content-Length", "Content-Range", "Accept-Ranges", "Content-Disposition", "Location"} {
		if a.status != http.StatusRequestedRangeNotSatisfiable || name != "Content-Range" {
			h.Del(name)
		}
	}
	switch a.status {
	case http.StatusUnauthorized:
		if errors.Is(err, ErrLogin) {
			h.Set("WWW-Authenticate", challenge)
		}
	case http.StatusLocked, http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
	if errors.Is(err, errBroken) || errors.Is(err, vfs.ErrBusy) || errors.Is(err, session.ErrClosed) {
		h.Set("Connection", "close") // deadlines have been left on it
	}
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	web.Hurry(q.w, answerTime)
	q.w.WriteHeader(a.status)
	if q.Request.Method != http.MethodHead {
		_, _ = io.Copy(q.w, strings.NewReader(a.body)) // the client has gone if this fails
	}
}
