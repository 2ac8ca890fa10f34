package webdavd

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/webdav"
)

// proppatch answers PROPPATCH through golang.org/x/net/webdav, which reads the
// body and writes the 207. Live properties are protected, and no others are kept:
// each is refused with 403, as RFC 4918 section 9.2.1 has it.
func (q *request) proppatch() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	info, err := q.s.Stat(q.Context(), q.name)
	if err != nil {
		return err
	}
	if err := q.guard(target{name: q.name}); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	r := q.Clone(q.Context())
	r.Header.Del("If") // it has been evaluated
	r.Body = io.NopCloser(bytes.NewReader(body))
	h := webdav.Handler{FileSystem: patched{info: info}, LockSystem: granted{}}
	h.ServeHTTP(q.w, r)
	return nil
}

// patched is the one resource that a PROPPATCH is about, without dead properties.
type patched struct {
	webdav.FileSystem // nil: PROPPATCH needs no more than Stat and OpenFile
	info              fs.FileInfo
}

func (p patched) Stat(context.Context, string) (os.FileInfo, error) { return p.info, nil }

func (p patched) OpenFile(context.Context, string, int, os.FileMode) (webdav.File, error) {
	return unopened{}, nil
}

// unopened stands for the file, whose content is not touched.
type unopened struct {
	webdav.File // nil: PROPPATCH only closes it
}

func (unopened) Close() error { return nil }

// granted says yes: the locks were checked before.
type granted struct{}

var _ webdav.LockSystem = granted{}

func (granted) Confirm(time.Time, string, string, ...webdav.Condition) (func(), error) {
	return func() {}, nil
}

func (granted) Create(time.Time, webdav.LockDetails) (string, error) { return "", nil }

func (granted) Refresh(time.Time, string, time.Duration) (webdav.LockDetails, error) {
	return webdav.LockDetails{}, http.ErrNotSupported
}

func (granted) Unlock(time.Time, string) error { return nil }
