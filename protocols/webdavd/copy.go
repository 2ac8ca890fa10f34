package webdavd

import (
	"context"
	"io/fs"
	"net/http"
	"path"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// copy copies a file, or a collection with all that is in it (RFC 4918 section
// 9.8).
func (q *request) copy() error {
	m, err := q.relocation()
	if err != nil {
		return err
	}
	d, err := q.depth()
	switch {
	case err != nil:
		return err
	case d == children:
		return refuse(http.StatusBadRequest, "COPY has depth 0 or infinity")
	case m.src.IsDir() && d == infinity && vfs.Within(q.s.RealPath(q.changing(), q.name), q.place(m.name)):
		return refuse(http.StatusForbidden, "a collection cannot be copied into itself")
	}
	if err := q.admit(m); err != nil {
		return err
	}
	if err := q.clear(m, q.s.MayCopy); err != nil {
		return err
	}
	if !m.src.IsDir() {
		if err := q.copyFile(q.name, m.name, session.CopyRule{New: !m.overwrite}); err != nil {
			return q.lacking(err)
		}
		q.relocated(m)
		return nil
	}
	if err := q.s.MkdirLike(q.changing(), q.name, m.name); err != nil {
		return q.lacking(err)
	}
	if d == infinity {
		w := treeCopy{q: q}
		w.copy(q.name, m.name)
		if len(w.failed) > 0 {
			return q.multistatus(w.failed)
		}
	}
	q.relocated(m)
	return nil
}

// copyFile copies one file. Others may lock its target before all of it has arrived.
func (q *request) copyFile(from, to string, rule session.CopyRule) error {
	leave := func() {}
	defer func() { leave() }()
	rule.Accept = func(ctx context.Context, old fs.FileInfo) error {
		q.settling = ctx
		defer func() { q.settling = nil }()
		leave = q.server.locks.publishing.enter(q.s.RealPath(q.changing(), to))
		return q.stillFree(target{name: to, member: old == nil})
	}
	return q.s.CopyBy(q.changing(), rule, from, to)
}

// maxFailures is how many members a multi-status answer names; the copy stops
// there.
const maxFailures = 1000

// treeCopy copies the members of a collection. A member that fails does not stop
// the others (RFC 4918 section 9.8.3).
type treeCopy struct {
	q      *request
	failed []failure
}

// failure is one member that could not be treated.
type failure struct {
	name string
	err  error
}

func (w *treeCopy) copy(src, dst string) {
	var dirs []string
	for info, err := range w.q.s.List(w.q.changing(), src) {
		if err != nil {
			w.fail(src, err)
			break
		}
		if len(w.failed) >= maxFailures {
			return
		}
		from, to := path.Join(src, info.Name()), path.Join(dst, info.Name())
		switch {
		case info.IsDir():
			dirs = append(dirs, info.Name())
		case info.Mode()&fs.ModeSymlink != 0:
			w.fail(from, w.copyLink(from, to))
		default:
			w.fail(from, w.q.copyFile(from, to, session.CopyRule{}))
		}
	}
	for _, name := range dirs { // the listing is closed by now
		from, to := path.Join(src, name), path.Join(dst, name)
		if err := w.q.s.MkdirLike(w.q.changing(), from, to); err != nil {
			w.fail(from, err)
			continue
		}
		w.copy(from, to)
	}
}

// copyLink copies the file that a link stands for. A link to a directory may lead
// back to where the copy came from; it is copied as a link.
func (w *treeCopy) copyLink(from, to string) error {
	info, err := w.q.s.Stat(w.q.changing(), from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return w.q.copyFile(from, to, session.CopyRule{})
	}
	text, err := w.q.s.Readlink(w.q.changing(), from)
	if err != nil {
		return err
	}
	return w.q.s.Symlink(w.q.changing(), text, to)
}

func (w *treeCopy) fail(name string, err error) {
	if err != nil && len(w.failed) < maxFailures {
		w.failed = append(w.failed, failure{name, err})
	}
}
