// Package vfs says what a storage backend is: a tree of files seen from its
// root. It holds the interfaces, the names, the sentinels and nothing else, so
// that a backend needs to know only this package.
package vfs

import (
	"context"
	"io"
	"io/fs"
	"iter"
)

// FS is one storage backend, seen from its root. It is safe for concurrent use.
// Names have passed ParseName: absolute, clean, slash-separated. Errors wrap
// the sentinels of this package; callers use errors.Is. Cancelling ctx abandons
// the call; a File keeps the ctx it was opened with.
type FS interface {
	// Stat follows symbolic links.
	Stat(ctx context.Context, name string) (fs.FileInfo, error)

	// List yields the entries of a directory in no particular order, links not
	// followed. It holds one page at a time and stops asking when the loop is
	// left. An error ends the sequence.
	List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error]

	// Open opens a regular file the way mode says; a directory is ErrIsDir.
	Open(ctx context.Context, name string, mode Mode) (File, error)

	// Mkdir makes one directory; the parent must exist.
	Mkdir(ctx context.Context, name string) error

	// Remove deletes a file, a link or an empty directory.
	Remove(ctx context.Context, name string) error

	// Rename replaces newname if that is a file. An existing directory at
	// newname is ErrExist.
	Rename(ctx context.Context, oldname, newname string) error

	Close() error
}

// Mode says how Open opens a file. At least one of Read and Write is set.
type Mode uint8

const (
	Read     Mode = 1 << iota // ReadAt, Read and Seek work
	Write                     // WriteAt and Write work
	Create                    // make the file if it is missing
	Truncate                  // start empty
	Excl                      // with Create: the file must be missing
	Atomic                    // nobody sees the new content before Commit; needs Create and Truncate
)

// Has reports whether all bits of m are set.
func (mode Mode) Has(m Mode) bool { return mode&m == m }

// File is an open file. A writer ends with Commit, then Close. Close without
// Commit keeps what was written so far, or, in an Atomic file, drops it; so
// `defer f.Close()` is always right. What mode does not allow is ErrUnsupported.
// Read, Write and Seek share one position and need outside serialisation;
// ReadAt, WriteAt and Stat do not. Close may be called while another call is
// under way and makes that call return.
type File interface {
	io.ReadWriteSeeker
	io.ReaderAt
	io.WriterAt
	// Stat tells the state of the open content: the staged size before Commit.
	Stat() (fs.FileInfo, error)
	// Commit publishes the content under the name it was opened with. It may be
	// called once. It goes by this ctx and not by that of Open, so that what
	// arrived of an upload can be kept after its client has gone.
	Commit(ctx context.Context) error
	Close() error
}
