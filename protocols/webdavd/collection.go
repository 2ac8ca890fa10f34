package webdavd

import (
	"errors"
	"net/http"

	"sftpgo/vfs"
)

// mkcol makes a collection (RFC 4918 section 9.3).
func (q *request) mkcol() error {
	if q.hasBody() {
		return refuse(http.StatusUnsupportedMediaType, "MKCOL takes no body")
	}
	if err := q.guard(target{name: q.name, member: true}); err != nil {
		return err
	}
	if q.Header.Get("If-Match") != "" || q.Header.Get("If-None-Match") != "" {
		info, err := q.stat(q.name)
		if err == nil {
			err = q.precondition(info)
		}
		if err != nil {
			return err
		}
	}
	err := q.s.Mkdir(q.changing(), q.name)
	if errors.Is(err, vfs.ErrExist) {
		return &refusal{status: http.StatusMethodNotAllowed, text: "already exists", cause: err}
	}
	if err != nil {
		return missingParent(err)
	}
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// hasBody reports whether the request has content. One without a length may still be
// empty: proxies forward requests of HTTP/2 like that.
func (q *request) hasBody() bool {
	if q.ContentLength >= 0 {
		return q.ContentLength > 0
	}
	body, err := q.readXML()
	return err != nil || len(body) > 0
}

// delete removes a file, or a collection with all that is in it.
func (q *request) delete() error {
	info, err := q.stat(q.name)
	if err != nil {
		return err
	}
	if d, err := q.depth(); err != nil || info != nil && info.IsDir() && d != infinity {
		return refuse(http.StatusBadRequest, "DELETE of a collection has depth infinity") // RFC 4918 section 9.6.1
	}
	if err := q.guard(target{name: q.name, member: true, tree: true}); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	if err := q.s.RemoveAll(q.changing(), q.name); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
