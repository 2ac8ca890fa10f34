package tus

import (
	"errors"
	"net/http"
	"strconv"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
)

// claim is what a request says of the end of an upload.
type claim int

const (
	silent claim = iota // nothing: it is where the length is
	more                // Upload-Complete: ?0
	all                 // Upload-Complete: ?1
)

// draftAppend goes on with an upload (section 4.4 of the draft).
func (q *request) draftAppend() error {
	if q.mediaType() != partialUpload {
		q.w.Header().Set("Accept-Patch", partialUpload)
		return refuse(http.StatusUnsupportedMediaType, "data of an upload are "+partialUpload)
	}
	offset, ok := sfInteger(q.Header.Values("Upload-Offset"))
	if !ok {
		return refuse(http.StatusBadRequest, "Upload-Offset is required")
	}
	sum, err := q.contentDigest()
	if err != nil {
		return err
	}
	if err := q.bounded(); err != nil {
		return err
	}
	c := silent // as the last request of tus-js-client without data
	if last, said := sfBoolean(q.Header.Values("Upload-Complete")); last {
		c = all
	} else if said {
		c = more
	}
	b := q.openBody()
	u, err := q.h.uploads.Take(q.context(), q.s, q.id, q.told, b.interrupt)
	if err != nil {
		return err
	}
	err = ending(u, func() error {
		if err := q.mayAppend(u, offset, c); err != nil {
			return errors.Join(err, u.More(q.context())) // nothing that is refused completes it
		}
		return q.draftReceive(u, b, sum, c)
	})
	if err != nil {
		return q.draftFailed(u, err)
	}
	return q.draftDone(u.Info(), http.StatusNoContent)
}

// draftFailed adds to what a client is told of a failure how much is stored.
func (q *request) draftFailed(u *session.Resumable, err error) error {
	h := q.w.Header()
	h.Set("Upload-Offset", strconv.FormatInt(u.Info().Offset, 10))
	if h.Get("Upload-Complete") == "" {
		h.Set("Upload-Complete", "?0")
	}
	return err
}

// mayAppend applies the rules to where the upload is, and notes what the request says.
func (q *request) mayAppend(u *session.Resumable, offset int64, c claim) error {
	rec := u.Info()
	switch {
	case offset != rec.Offset:
		return &problem{
			status: http.StatusConflict, kind: mismatchingOffset, title: "offset from request does not match offset of resource",
			members: map[string]any{"expected-offset": rec.Offset, "provided-offset": offset},
		}
	case rec.State == dataprovider.UploadComplete && !q.empty() && q.speaks.version > 6:
		return inconsistent(nil)
	case rec.State == dataprovider.UploadComplete:
		return &problem{status: http.StatusBadRequest, kind: completedUpload, title: "upload is already completed"}
	}
	length, err := q.draftLength(offset, c == all)
	if err != nil {
		return err
	}
	if rec.Length >= 0 && (length >= 0 && length != rec.Length || q.ContentLength > rec.Length-offset) {
		return inconsistent(nil)
	}
	if err := q.tooLong(max(length, offset+max(q.ContentLength, 0))); err != nil {
		return err
	}
	if rec.Length < 0 && length >= 0 {
		if err := u.SetLength(q.context(), length); err != nil {
			return err
		}
	}
	if member := q.reprDigest(); member != "" {
		if err := u.Demand(q.context(), member); err != nil {
			return err
		}
	}
	if c == more {
		return u.More(q.context())
	}
	return u.Last(q.context())
}

// draftReceive stores the body.
func (q *request) draftReceive(u *session.Resumable, b *body, sum *digest, c claim) error {
	if sum == nil {
		q.progress(u, b)
	}
	err := q.receive(u, b, sum)
	var bad *refusal
	switch {
	case errors.As(err, &bad) && bad.status == protocols.StatusChecksumMismatch:
		err = refuse(http.StatusBadRequest, "the content does not have this digest")
		err = errors.Join(err, u.More(q.context()))
	case errors.Is(err, session.ErrTooLarge) && u.Info().Length >= 0:
		u.Spoil() // the draft wants no more to do with it
		err = inconsistent(err)
	case err == nil && c == all:
		if err = u.Finish(q.context()); errors.Is(err, session.ErrIncomplete) {
			err = inconsistent(err)
		}
	}
	if rec := u.Info(); err == nil && c != more && rec.Length == rec.Offset {
		q.w.Header().Set("Upload-Complete", "?1") // what fails from now on is what the data were for
	}
	return err
}
