package webdavd

import "net/http"

const (
	allMethods  = "OPTIONS, GET, HEAD, POST, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK"
	fileMethods = "OPTIONS, GET, HEAD, POST, PUT, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK"
	dirMethods  = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK"
	freeMethods = "OPTIONS, PUT, MKCOL, LOCK"
)

// options tells what can be done with a resource (RFC 4918 section 10.1).
func (q *request) options() error {
	allow := allMethods
	if q.name != "" {
		info, err := q.stat(q.name)
		switch {
		case err != nil:
			return err
		case info == nil:
			allow = freeMethods
		case info.IsDir():
			allow = dirMethods
		default:
			allow = fileMethods
		}
	}
	h := q.w.Header()
	h.Set("Allow", allow)
	h.Set("DAV", "1, 2")
	h.Set("MS-Author-Via", "DAV") // without it Windows and Office take the server for FrontPage
	h.Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusOK)
	return nil
}
