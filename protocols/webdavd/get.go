package webdavd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// get answers GET and HEAD, and POST like GET. What forbids the download is
// found before the header leaves. A directory is answered with a page, or like a
// PROPFIND of depth 1.
func (q *request) get() error {
	if q.unconditional() {
		err := q.download()
		if q.w.Status != 0 || !errors.Is(err, vfs.ErrIsDir) && !errors.Is(err, vfs.ErrPermission) {
			return err
		}
		info, serr := q.s.Stat(q.Context(), q.name) // who may list need not be allowed to read
		switch {
		case serr == nil && info.IsDir():
			return q.directory(info)
		case serr != nil && !errors.Is(serr, vfs.ErrPermission):
			return serr
		}
		return err
	}
	info, err := q.s.Stat(q.Context(), q.name)
	if errors.Is(err, vfs.ErrPermission) && q.Method != http.MethodHead {
		return q.download() // reading does not need the permission to list
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return q.directory(info)
	}
	if _, err := q.plan(info); err != nil { // 304 and 416 open nothing
		return err
	}
	if q.Method == http.MethodHead {
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	return q.download()
}

// directory answers with what is in a directory.
func (q *request) directory(info fs.FileInfo) error {
	switch {
	case q.Method == http.MethodPost:
		q.w.Header().Set("Allow", dirMethods)
		return refuse(http.StatusMethodNotAllowed, "a collection takes no POST")
	case q.server.binding.DirectoryListing:
		return q.page()
	}
	return q.listing(info)
}

// unconditional reports whether a request wants a whole file, whatever it is like, to
// all appearance: it can be opened without a look at it before.
func (q *request) unconditional() bool {
	if q.Method != http.MethodGet || strings.HasSuffix(q.URL.Path, "/") {
		return false
	}
	for _, name := range [...]string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if q.Header[name] != nil {
			return false
		}
	}
	return true
}

// plan sets the header of an answer with the content of info and tells which
// part of it goes out.
func (q *request) plan(info fs.FileInfo) (span, error) {
	h := q.w.Header()
	h.Set("ETag", etagOf(info))
	h.Set("Last-Modified", info.ModTime().UTC().Format(http.TimeFormat))
	if err := q.precondition(info); err != nil {
		return span{}, err
	}
	whole := span{length: info.Size()}
	part := whole
	if q.Method == http.MethodGet {
		var err error
		if part, err = q.span(info); err != nil {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", info.Size()))
			return span{}, err
		}
	}
	h.Set("Accept-Ranges", "bytes")
	describe(h, q.name)
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	h.Del("Content-Range")
	if part != whole {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.start, part.start+part.length-1, info.Size()))
	}
	return part, nil
}

// download sends the file. The header is planned from the open file: the one
// that was looked at may have been replaced meanwhile.
func (q *request) download() (err error) {
	t, err := q.s.Download(q.told(q.Context()), q.name)
	if err != nil {
		return err
	}
	defer func() {
		t.TransferError(err)
		if cerr := t.Close(); err == nil {
			err = cerr
		}
	}()
	info, err := t.Stat()
	if err != nil {
		return err
	}
	part, err := q.plan(info)
	if err != nil {
		return err
	}
	if _, err := t.Seek(part.start, io.SeekStart); err != nil {
		return err
	}
	status := http.StatusOK
	if q.w.Header().Get("Content-Range") != "" {
		status = http.StatusPartialContent
	}
	q.w.WriteHeader(status)
	return q.send(t, part.length)
}

// send sends n bytes and makes sure that they have left: what waits in a buffer
// is not yet sent, and a client that has gone must not count as served.
func (q *request) send(t *session.Transfer, n int64) error {
	sent, err := t.WriteTo(&bounded{w: q.w, left: n})
	if err == nil && sent < n {
		err = fmt.Errorf("send %q: the file became shorter: %w", t.Name(), io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	if err := http.NewResponseController(q.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("send %q: %w", t.Name(), err)
	}
	return nil
}

// bounded lets through as many bytes as the header has promised, also when the
// file grows meanwhile. It narrows the piece that a reader is asked for instead
// of wrapping it, because net/http sends only a plain LimitedReader by sendfile.
type bounded struct {
	w    *web.Response
	left int64
}

func (b *bounded) ReadFrom(r io.Reader) (int64, error) {
	if b.left == 0 {
		return 0, nil
	}
	lr, ok := r.(*io.LimitedReader)
	if !ok {
		lr = &io.LimitedReader{R: r, N: b.left}
	}
	lr.N = min(lr.N, b.left)
	n, err := b.w.ReadFrom(lr)
	b.left -= n
	return n, err
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		n, err := b.w.Write(p[:b.left])
		b.left -= int64(n)
		if err == nil {
			err = io.ErrShortWrite
		}
		return n, err
	}
	n, err := b.w.Write(p)
	b.left -= int64(n)
	return n, err
}

// fresh reports whether the part that the client has belongs to the same content
// (If-Range, RFC 9110 section 13.1.5).
func fresh(condition string, info fs.FileInfo) bool {
	if condition == "" || condition == etagOf(info) {
		return true
	}
	t, err := time.Parse(http.TimeFormat, condition)
	return err == nil && modified(info).Equal(t)
}
