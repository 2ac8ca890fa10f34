package sftp

import (
	"io"
	"io/fs"
	"iter"
	"path"

	"github.com/pkg/sftp"

	"sftpgo/vfs"
)

// Filelist opens a directory, or answers STAT and FSTAT.
func (h *handlers) Filelist(r *sftp.Request) (_ sftp.ListerAt, err error) {
	defer h.guard(r.Method, r.Filepath, &err)
	if r.Method == "List" {
		return h.opendir(r.Filepath)
	}
	info, err := h.s.Stat(h.s.Context(), r.Filepath)
	if err != nil {
		return nil, err
	}
	return one{info}, nil
}

// Lstat answers LSTAT.
func (h *handlers) Lstat(r *sftp.Request) (_ sftp.ListerAt, err error) {
	defer h.guard(r.Method, r.Filepath, &err)
	info, err := h.s.Lstat(h.s.Context(), r.Filepath)
	if err != nil {
		return nil, err
	}
	return one{info}, nil
}

// Readlink returns the text of a link.
func (h *handlers) Readlink(name string) (_ string, err error) {
	defer h.guard("Readlink", name, &err)
	return h.s.Readlink(h.s.Context(), name)
}

// RealPath is lexical: it never touches the storage, and ".." at the root stays
// there, because "cd .." does so in every client.
func (h *handlers) RealPath(name string) (_ string, err error) {
	defer h.guard("Realpath", name, &err)
	return vfs.ParseName("/", path.Clean("/"+name))
}

// one is a single answer in the form of a listing.
type one struct{ info fs.FileInfo }

func (o one) ListAt(infos []fs.FileInfo, off int64) (int, error) {
	if off > 0 || len(infos) == 0 {
		return 0, io.EOF
	}
	infos[0] = o.info
	return 1, nil
}

// opendir asks for the first entry at once, so that OPENDIR is what fails, as
// clients expect, and not the first READDIR.
func (h *handlers) opendir(name string) (*listing, error) {
	if h.listings.Add(1) > maxListings {
		h.listings.Add(-1)
		return nil, errListings
	}
	l := &listing{h: h, name: name}
	l.next, l.stop = iter.Pull2(h.s.List(h.s.Context(), name))
	if l.pull(); l.err != nil && l.err != io.EOF {
		err := l.err
		l.Close()
		return nil, err
	}
	return l, nil
}

// listing is an open directory; one goroutine uses it. It is one entry ahead of
// the client.
type listing struct {
	h    *handlers
	name string
	next func() (fs.FileInfo, error, bool)
	stop func()
	head fs.FileInfo
	err  error // no head: why
}

func (l *listing) pull() {
	info, err, ok := l.next()
	switch {
	case !ok:
		l.head, l.err = nil, io.EOF
	case err != nil:
		l.head, l.err = nil, err
	default:
		l.head = info
	}
}

// ListAt goes on where the last call ended; READDIR has no offset.
func (l *listing) ListAt(infos []fs.FileInfo, _ int64) (n int, err error) {
	defer l.h.guard("Readdir", l.name, &err)
	for n < len(infos) && l.err == nil {
		infos[n] = l.head
		n++
		l.pull()
	}
	if n > 0 {
		return n, nil
	}
	return 0, l.err
}

// Close gives the directory handle back.
func (l *listing) Close() (err error) {
	defer l.h.guard("close", l.name, &err)
	l.h.listings.Add(-1)
	l.stop()
	return nil
}
