package webdavd

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"sftpgo/vfs"
)

// relocation is what COPY and MOVE have in common.
type relocation struct {
	src, dst         fs.FileInfo // dst is nil when there is nothing
	name             string      // of the destination, parsed
	overwrite        bool
	replacesByDelete bool // a collection is on either side
}

// relocation reads the headers of COPY and MOVE and looks at both ends.
func (q *request) relocation() (relocation, error) {
	var m relocation
	var err error
	if m.name, err = q.destination(); err != nil {
		return m, err
	}
	switch o := q.Header.Get("Overwrite"); {
	case o == "" || strings.EqualFold(o, "T"): // absent is T: RFC 4918 section 10.6
		m.overwrite = true
	case !strings.EqualFold(o, "F"):
		return m, refuse(http.StatusBadRequest, "malformed Overwrite header")
	}
	if m.src, err = q.s.Stat(q.Context(), q.name); err != nil {
		return m, err
	}
	if m.dst, err = q.stat(m.name); err != nil {
		return m, err
	}
	if at := q.place(m.name); vfs.Within(at, q.place(q.name)) || vfs.Within(at, q.s.RealPath(q.changing(), q.name)) {
		// The same, or replacing a collection by a part of itself.
		return m, refuse(http.StatusForbidden, "source and destination overlap")
	}
	m.replacesByDelete = m.dst != nil && (m.dst.IsDir() || m.src.IsDir())
	return m, nil
}

// destination is the name in the Destination header. Only the path counts: behind
// a proxy the host of the URL is not ours.
func (q *request) destination() (string, error) {
	u, err := url.Parse(q.Header.Get("Destination"))
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		return "", refuse(http.StatusBadRequest, "missing or malformed Destination header")
	}
	name, err := q.server.nameOf(u.Path)
	if r := (*refusal)(nil); errors.As(err, &r) { // RFC 4918, 9.8.5: of another server
		return "", &refusal{status: http.StatusBadGateway, text: "the destination is not below " + q.server.prefix, cause: err}
	}
	return name, err
}

// place tells where the entry of a name is, whatever links lead there; a link at the
// end is the entry itself.
func (q *request) place(name string) string {
	dir := q.s.RealPath(q.changing(), path.Dir(name))
	return path.Join(dir, strings.TrimPrefix(path.Base(name), "/"))
}

// admit checks the conditions of the request against source and destination.
func (q *request) admit(m relocation, targets ...target) error {
	if m.dst != nil && !m.overwrite {
		return refuse(http.StatusPreconditionFailed, "the destination exists")
	}
	targets = append(targets, target{name: m.name, member: m.dst == nil || m.replacesByDelete, tree: m.dst != nil})
	if err := q.guard(targets...); err != nil {
		return err
	}
	return q.precondition(m.src)
}

// clear makes room at the destination, if may says that it is for something. A
// file that replaces a file does not come here: that happens in one step, and the
// old one stays if it fails.
func (q *request) clear(m relocation, may func(ctx context.Context, from, to string) error) error {
	if !m.replacesByDelete {
		return nil
	}
	if err := may(q.Context(), q.name, m.name); err != nil {
		return err
	}
	// A lock of the destination protects what comes there, as it does when a file
	// replaces a file.
	release := q.server.locks.keep(q.s.RealPath(q.changing(), m.name))
	defer release()
	return q.s.RemoveAll(q.changing(), m.name)
}

// lacking tells what is missing: the source, which somebody may have taken away
// meanwhile, or the parent of the destination.
func (q *request) lacking(err error) error {
	if errors.Is(err, vfs.ErrNotExist) {
		if _, serr := q.s.Lstat(q.changing(), q.name); errors.Is(serr, vfs.ErrNotExist) {
			return serr
		}
	}
	return missingParent(err)
}

// relocated answers 201, or 204 when something was replaced.
func (q *request) relocated(m relocation) {
	if m.dst != nil {
		q.w.WriteHeader(http.StatusNoContent)
		return
	}
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusCreated)
}
