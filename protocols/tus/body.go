package tus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// errBroken: a body ended before its end.
var errBroken = errors.New("the body broke off")

// body is the body of a request. The time that a client may send nothing is bounded,
// and somebody else may cut it.
type body struct {
	q    *request
	left int64 // of what one request may bring

	before func() // each Read; may be nil

	mu   sync.Mutex
	open bool  // somebody reads
	cut  error // why; nil: it was not
	err  error // of the client, if it failed
}

func (q *request) openBody() *body {
	b := &body{q: q, left: q.h.protocol.MaxBody}
	if b.left == 0 {
		b.left = 1<<63 - 1
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.before != nil {
		b.before()
	}
	if err := b.await(); err != nil {
		return 0, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left+1]
	}
	n, err := b.q.Body.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), refuse(http.StatusRequestEntityTooLarge, "request body too large")
	}
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.err = err
	}
	return n, err
}

// await gives the client time for the next piece, unless the body was cut.
func (b *body) await() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut != nil {
		b.err = b.cut
		return b.cut
	}
	_ = b.q.rc.SetReadDeadline(time.Now().Add(b.q.h.protocol.BodyTimeout)) // not every ResponseWriter of a test can
	return nil
}

// stop makes a Read that waits return, and every later one. It does nothing to a
// connection of which nobody reads a body: the next request comes on it.
func (b *body) stop(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut != nil {
		return
	}
	b.cut = cause
	if b.open {
		_ = b.q.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// begin and end surround the reading.
func (b *body) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = true
}

func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
	if b.cut != nil {
		b.q.w.Header().Set("Connection", "close") // the deadline has done its work on it
		return
	}
	web.Relax(b.q.w)
}

// interrupt is for somebody else who wants the upload.
func (b *body) interrupt() {
	b.stop(fmt.Errorf("another request goes on with the upload: %w", vfs.ErrBusy))
}

// fault tells why a copy of the body failed: it was the client, or the storage.
func (b *body) fault(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var own *refusal
	switch {
	case err == nil:
		return nil
	case b.cut != nil:
		return b.cut
	case b.q.s.Context().Err() != nil:
		return session.ErrClosed
	case b.err == nil || !errors.Is(err, b.err) || errors.As(err, &own):
		return err
	}
	// Most such clients have gone. To one that was slow this must not be its fault:
	// tus-js-client gives up for good at a 400.
	return &refusal{status: http.StatusServiceUnavailable, text: errBroken.Error(), cause: errors.Join(errBroken, err)}
}

// watch cuts the body when the session ends, until the function returned is called.
func (b *body) watch() (done func() bool) {
	return context.AfterFunc(b.q.s.Context(), func() {
		b.stop(session.ErrClosed)
		_ = b.q.rc.SetWriteDeadline(time.Now().Add(time.Second))
	})
}
