package webdavd

import (
	"net/http"
	"strings"
)

// answered is an error that the client has been told already.
type answered struct{ error }

func (e answered) Unwrap() error { return e.error }

// refuseBody answers while the client may still be sending, and lets it go on for a
// while: many clients read no answer before their last byte has left, and would see a
// broken connection instead.
func (q *request) refuseBody(err error) error {
	rc := http.NewResponseController(q.w)
	if !q.sending() || rc.EnableFullDuplex() != nil { // of a test
		return err
	}
	answer(q.w, err, q.s.ID())
	if rc.Flush() == nil {
		q.s.Discard(q.changing(), q.Body, rc.SetReadDeadline)
	}
	return answered{err}
}

// sending tells whether there may be more of the body. A client that waits to be
// asked for it, and has not been, sends nothing.
func (q *request) sending() bool {
	switch {
	case q.ContentLength == 0, q.s.Context().Err() != nil:
		return false
	case q.body == nil:
		return !strings.EqualFold(q.Header.Get("Expect"), "100-continue")
	}
	return !q.body.ended
}
