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
	// rename(2) leaves both of two names of one file, which is no MOVE.
	m.replacesByDelete = m.replacesByDelete || m.dst != nil && q.sameFile(q.name, m.name)
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
		return q.lacking(err)
	}
	q.relocated(m)
	return nil
}

// sameFile reports whether two entries are names of one file.
func (q *request) sameFile(a, b string) bool {
	one, err := q.s.Lstat(q.Context(), a)
	if err != nil {
		return false
	}
	other, err := q.s.Lstat(q.Context(), b)
	return err == nil && one.Mode().IsRegular() && vfs.NamesOf(one) > 1 && vfs.FileIDOf(one) != "" && vfs.FileIDOf(one) == vfs.FileIDOf(other)
}
