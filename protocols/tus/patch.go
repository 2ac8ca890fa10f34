package tus

import (
	"errors"
	"net/http"
	"strconv"

	"sftpgo/protocols/session"
)

// patch goes on with an upload.
func (q *request) patch() error {
	if !q.offsetStream() {
		return refuse(http.StatusUnsupportedMediaType, "data of an upload are "+contentType)
	}
	offset, known, err := q.number("Upload-Offset")
	if err != nil {
		return err
	}
	if !known {
		return refuse(http.StatusBadRequest, "Upload-Offset is required")
	}
	sum, err := q.checksum()
	if err != nil {
		return err
	}
	if err := q.bounded(); err != nil {
		return err
	}
	b := q.openBody()
	u, err := q.h.uploads.Take(q.context(), q.s, q.id, q.told, b.interrupt)
	if err != nil {
		return err
	}
	err = ending(u, func() error {
		err := q.mayPatch(u, offset)
		if err == nil && (!q.empty() || sum != nil) {
			err = q.receive(u, b, sum)
		}
		return err
	})
	rec := u.Info()
	q.w.Header().Set("Upload-Offset", strconv.FormatInt(rec.Offset, 10))
	if err != nil {
		return err
	}
	q.expires(rec)
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// errAborted: a request panicked.
var errAborted = errors.New("aborted")

// ending ends the hold on u after work, whatever comes of it.
func ending(u *session.Resumable, work func() error) (err error) {
	err = errAborted
	defer func() { err = u.End(err) }()
	err = work()
	return err
}

// mayPatch applies the rules of tus to where the upload is.
func (q *request) mayPatch(u *session.Resumable, offset int64) error {
	rec := u.Info()
	switch {
	case rec.Final:
		return refuse(http.StatusForbidden, "an upload that was put together takes no data")
	case offset != rec.Offset:
		return refuse(http.StatusConflict, "Upload-Offset is not where the upload ends")
	}
	length, told, err := q.number("Upload-Length")
	if err != nil {
		return err
	}
	if told {
		if err := q.declare(u, length); err != nil {
			return err
		}
	}
	if err := q.fits(u.Info().Length, offset); err != nil {
		return err
	}
	return u.Last(q.context()) // clients of the IETF may have said otherwise
}

// declare sets the length of an upload that was begun without one.
func (q *request) declare(u *session.Resumable, length int64) error {
	rec := u.Info()
	switch {
	case rec.Length == length:
		return nil
	case rec.Length >= 0:
		return refuse(http.StatusBadRequest, "the length of the upload is known and another one")
	case length < rec.Offset:
		return refuse(http.StatusBadRequest, "Upload-Length is less than what was stored")
	}
	if err := q.tooLong(length); err != nil {
		return err
	}
	return u.SetLength(q.context(), length)
}

// fits refuses a body that says to be longer than what is left.
func (q *request) fits(length, offset int64) error {
	if err := q.bounded(); err != nil {
		return err
	}
	if length < 0 {
		if q.ContentLength > 0 {
			return q.tooLong(offset + q.ContentLength)
		}
		return nil
	}
	if q.ContentLength > length-offset {
		return session.ErrTooLarge
	}
	return nil
}

// receive stores the body. One that breaks off is kept; one that has another checksum
// is not.
func (q *request) receive(u *session.Resumable, b *body, sum *digest) error {
	b.begin()
	defer b.end()
	defer b.watch()()
	if sum != nil {
		if err := u.Checked(q.context()); err != nil {
			return err
		}
	}
	if rec, limit := u.Info(), q.h.protocol.MaxSize; rec.Length < 0 && limit > 0 {
		b.left = min(b.left, max(0, limit-rec.Offset))
	}
	_, err := u.Receive(b, sum.writer())
	err = b.fault(err)
	if sum == nil {
		return err
	}
	if err == nil {
		err = sum.verify(u, q.Trailer)
	}
	if err == nil {
		u.Approve()
		return nil
	}
	if uerr := u.Undo(q.context()); uerr != nil {
		return uerr
	}
	return err
}
