package webdavd

import (
	"net/http"

	"sftpgo/vfs"
)

// move renames (RFC 4918 section 9.9). A file that replaces a file does so in
// one step.
func (q *request) move() error {
	m, err := q.relocation()
	if err != nil {
		return err
	}
	if d, err := q.depth(); err != nil || m.src.IsDir() && d != infinity {
		return refuse(http.StatusBadRequest, "MOVE of a collection has depth infinity")
	}
	if m.src.IsDir() && vfs.Within(q.place(q.name), q.place(m.name)) {
		return refuse(http.StatusForbidden, "a collection cannot be moved into itself")
	}
	if err := q.admit(m, target{name: q.name, member: true, tree: true}); err != nil {
		return err
	}
	if err := q.clear(m, q.s.MayRename); err != nil {
		return err
	}
	rename := q.s.Rename
	if !m.overwrite {
		rename = q.s.RenameNew
	}
	if err := rename(q.changing(), q.name, m.name); err != nil {
		return missingParent(err)
	}
	q.relocated(m)
	return nil
}
