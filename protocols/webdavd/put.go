package webdavd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// copyBuffer is the piece in which bodies are read: large reads go past the 4
// KiB buffer of net/http.
const copyBuffer = 256 << 10

// put stores a body: 201 for a new file, 204 for one that was replaced. A body
// that breaks off is a failed upload.
func (q *request) put() error {
	err := q.putBody()
	if err != nil && q.w.Status == 0 {
		return q.refuseBody(err)
	}
	return err
}

func (q *request) putBody() error {
	if q.Header.Get("Content-Range") != "" { // RFC 9110 section 14.5: storing a part as the whole destroys data
		return refuse(http.StatusBadRequest, "PUT of a part (Content-Range) is not supported")
	}
	info, err := q.stat(q.name)
	if err != nil {
		return err
	}
	if err := q.guard(target{name: q.name, member: info == nil}); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	mode := vfs.Write | vfs.Create | vfs.Truncate
	if info == nil && strings.TrimSpace(q.Header.Get("If-None-Match")) == "*" {
		mode |= vfs.Excl // nobody else may make it meanwhile
	}
	etag, err := q.store(mode)
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("ETag", etag)
	h.Set("Content-Length", "0")
	if info == nil {
		q.w.WriteHeader(http.StatusCreated)
		return nil
	}
	h.Del("Content-Length")
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// store writes the body and returns the validator of the new file.
func (q *request) store(mode vfs.Mode) (etag string, err error) {
	t, err := q.s.UploadSized(q.changing(), q.name, mode, q.ContentLength)
	if err != nil {
		return "", missingParent(err)
	}
	leave := func() {}
	defer func() { leave() }()
	t.Accept(func(ctx context.Context, old fs.FileInfo) error { // of two editors, the one who ends last must hear of the other
		q.settling = ctx
		defer func() { q.settling = nil }()
		leave = q.server.locks.publishing.enter(q.s.RealPath(q.changing(), q.name))
		return q.publishable(old)
	})
	if err = q.receive(t); err == nil {
		err = q.setTime(t)
	}
	if err == nil {
		info, serr := t.Stat()
		if err = serr; err == nil {
			etag = etagOf(info)
		}
	}
	t.TransferError(err)
	if cerr := t.Close(); err == nil {
		err = cerr
	}
	return etag, err
}

func (q *request) receive(t *session.Transfer) error {
	buf, ok := q.server.buffers.Get().(*[]byte)
	if !ok {
		b := make([]byte, copyBuffer)
		buf = &b
	}
	defer q.server.buffers.Put(buf)
	body := &source{r: q.Body, touch: q.s.Touch}
	q.body = body
	_, err := io.CopyBuffer(struct{ io.Writer }{t}, body, *buf)
	switch {
	case body.err == nil:
		return err
	case q.s.Context().Err() != nil:
		return fmt.Errorf("upload %q: %w", q.name, session.ErrClosed)
	}
	return &refusal{status: http.StatusBadRequest, text: "the body broke off", cause: body.err}
}

// smallRead is what is read of a body before it is written: the head of a request and
// its body seldom come together.
const smallRead = 8 << 10

// source remembers why a body ended, to tell its faults from those of the
// storage.
type source struct {
	r     io.Reader
	touch func() // when something has come
	err   error
	ended bool
}

// Read returns little only at the end.
func (s *source) Read(p []byte) (n int, err error) {
	for n < min(len(p), smallRead) && err == nil {
		var m int
		m, err = s.r.Read(p[n:])
		n += m
		s.touch()
	}
	s.ended = s.ended || err != nil
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
