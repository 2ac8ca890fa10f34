package tus

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// Resumable uploads of the IETF (draft-ietf-httpbis-resumable-upload) are another
// language for the same uploads. A request that names the interop version of a draft
// speaks it, as does one that is of no tus client and makes sense only there.

// ParseDrafts reads the interop versions of drafts: 6 is that of draft-ietf-httpbis-
// resumable-upload-04 and -05, 8 of -09 and later. Others are an error.
func ParseDrafts(words []string) (versions []int, err error) {
	for _, word := range words {
		switch word {
		case "6":
			versions = append(versions, 6)
		case "8":
			versions = append(versions, 8)
		default:
			return nil, fmt.Errorf("%q is not 6 or 8", word)
		}
	}
	return versions, nil
}

// statusResumption is 104 (Upload Resumption Supported).
const statusResumption = 104

// interopHeader names the version that a client speaks.
const interopHeader = "Upload-Draft-Interop-Version"

// partialUpload is the type of bodies that go on with an upload.
const partialUpload = "application/partial-upload"

// progressEvery is how often a client is told how much of a long body is stored.
const progressEvery = 2 * time.Second

// draft is the language of a request.
type draft struct {
	version int  // 0: tus
	told    bool // the client has named it, and knows interim responses
}

// language finds out what the client speaks.
func (q *request) language() draft {
	drafts := q.h.protocol.Drafts
	if len(drafts) == 0 {
		return draft{}
	}
	if values := q.Header.Values(interopHeader); len(values) > 0 {
		n, ok := sfInteger(values)
		if !ok || !slices.Contains(drafts, int(n)) {
			return draft{}
		}
		return draft{version: int(n), told: q.ProtoAtLeast(1, 1)}
	}
	_, complete := sfBoolean(q.Header.Values("Upload-Complete"))
	switch {
	case q.Header.Get("Tus-Resumable") != "":
		return draft{}
	case complete, q.method == http.MethodPatch && q.mediaType() == partialUpload,
		q.id != "" && (q.method == http.MethodHead || q.method == http.MethodDelete):
		return draft{version: slices.Max(drafts)}
	}
	return draft{}
}

// names reports whether the path of the request is that of the file to be.
func (d draft) names(method string) bool { return d.version > 0 && method == http.MethodPut }

// draftHandler is handler for requests of the IETF.
func (q *request) draftHandler() (func() error, error) {
	methods := map[string]func() error{}
	if q.h.protocol.on(Creation) {
		methods[http.MethodPut] = q.draftCreate
		if q.id == "" {
			methods[http.MethodPost] = q.draftCreate
		}
	}
	if q.id != "" {
		methods[http.MethodHead], methods[http.MethodPatch] = q.draftHead, q.draftAppend
		if q.h.protocol.on(Termination) {
			methods[http.MethodDelete] = q.draftCancel
		}
		if q.h.protocol.on(Getting) {
			methods[http.MethodGet] = q.get
		}
	}
	if handle := methods[q.method]; handle != nil {
		return func() error { return q.draftRefusal(handle()) }, nil
	}
	allowed := []string{http.MethodOptions}
	for m := range methods {
		allowed = append(allowed, m)
	}
	slices.Sort(allowed)
	q.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, refuse(http.StatusMethodNotAllowed, "method not supported")
}

// draftRefusal completes what a client is told of a failure.
func (q *request) draftRefusal(err error) error {
	h := q.w.Header()
	if errors.Is(err, session.ErrDigest) {
		err = &refusal{status: http.StatusBadRequest, text: "the data do not have this digest", cause: err}
	}
	if err == nil || q.w.Status != 0 {
		return err
	}
	if answerTo(err).status == http.StatusRequestEntityTooLarge {
		h.Set("Upload-Limit", q.limits(dataprovider.Upload{}))
	}
	// With ?1 it is not the upload that failed, and nothing is left to be resumed.
	unwanted := errors.Is(err, session.ErrDigest) || errors.Is(err, actions.ErrDenied) && !errors.Is(err, actions.ErrUnanswered)
	if h.Get("Upload-Complete") != "" && !unwanted {
		h.Set("Upload-Complete", "?0")
	}
	return err
}

// draftHead tells how far an upload is. A request that writes it is asked to stop,
// since it could make the answer out of date.
func (q *request) draftHead() error {
	h := q.w.Header()
	h.Set("Cache-Control", "no-store")
	rec, err := q.h.uploads.Halt(q.context(), q.s, q.id)
	if err != nil {
		return err
	}
	q.draftState(rec)
	if rec.Length >= 0 {
		h.Set("Upload-Length", strconv.FormatInt(rec.Length, 10))
	}
	h.Set("Upload-Limit", q.limits(rec))
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// draftCancel gives an upload up.
func (q *request) draftCancel() error {
	if err := q.h.uploads.Cancel(q.context(), q.s, q.id, q.told); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// draftState tells where an upload is.
func (q *request) draftState(rec dataprovider.Upload) {
	h, complete := q.w.Header(), "?0"
	if rec.State == dataprovider.UploadComplete {
		complete = "?1"
	}
	h.Set("Upload-Offset", strconv.FormatInt(rec.Offset, 10))
	h.Set("Upload-Complete", complete)
}

// limits are what Upload-Limit says; rec is empty where it is about none.
func (q *request) limits(rec dataprovider.Upload) string {
	var list []string
	add := func(key string, n int64) {
		const most = 999_999_999_999_999 // an Integer of RFC 9651 has no more
		if n > 0 && n <= most {
			list = append(list, key+"="+strconv.FormatInt(n, 10))
		}
	}
	add("max-size", q.h.protocol.MaxSize)
	add("max-append-size", q.h.protocol.MaxBody)
	if rec.State == dataprovider.UploadOpen && !rec.Expires.IsZero() {
		key := "max-age"
		if q.speaks.version == 6 {
			key = "expires"
		}
		add(key, int64(time.Until(rec.Expires)/time.Second))
	}
	if len(list) == 0 {
		return "min-size=0" // that the upload can be resumed is worth telling
	}
	return strings.Join(list, ", ")
}

// interim sends a response that is not the last one.
func (q *request) interim() {
	h := q.w.Header()
	h.Set(interopHeader, strconv.Itoa(q.speaks.version))
	_ = q.rc.SetWriteDeadline(time.Now().Add(q.h.protocol.BodyTimeout)) // a client need not read before it has sent all
	q.w.WriteHeader(statusResumption)
	_ = q.rc.SetWriteDeadline(time.Time{})
	h.Del(interopHeader)
}

// progress has b tell the client from time to time how much is stored for good.
func (q *request) progress(u *session.Resumable, b *body) {
	if !q.speaks.told {
		return
	}
	h := q.w.Header()
	last, told := time.Now(), u.Info().Offset
	b.before = func() {
		offset := u.Info().Offset
		if offset == told || time.Since(last) < progressEvery {
			return
		}
		url := h.Get("Location")
		h.Del("Location") // drafts up to -05 do not want it here
		h.Set("Upload-Offset", strconv.FormatInt(offset, 10))
		q.interim()
		h.Del("Upload-Offset")
		if url != "" {
			h.Set("Location", url)
		}
		last, told = time.Now(), offset
	}
}
