package vfs

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// As returns the optional capability T of a backend or of an open file.
func As[T any](f any) (t T, ok bool) {
	t, ok = f.(T)
	return t, ok
}

// Linker is a backend with symbolic links.
type Linker interface {
	// Lstat does not follow the last component.
	Lstat(ctx context.Context, name string) (fs.FileInfo, error)
	// Symlink makes newname a link with the text target. The text is stored as
	// given; following it never leaves the root.
	Symlink(ctx context.Context, target, newname string) error
	// Readlink returns the text of a link.
	Readlink(ctx context.Context, name string) (string, error)
}

// HardLinker is a backend in which a file can have several names. Its FileInfos
// are Linked.
type HardLinker interface {
	// Link gives the regular file at oldname one more name. A link in the last
	// component is not followed: it is vfs.ErrUnsupported, as is anything but a
	// regular file; a directory is ErrIsDir. What is at newname is ErrExist.
	// ErrUnsupported also says that the storage below has no second names.
	Link(ctx context.Context, oldname, newname string) error
}

// Attrs are the attributes to change; nil leaves one alone. They are applied in
// the order size, owner, mode, times, so that none undoes another.
type Attrs struct {
	Size         *int64
	UID, GID     *int         // -1 or nil leaves one alone
	Mode         *fs.FileMode // permission bits only
	Atime, Mtime *time.Time
}

// AttrSetter changes attributes by name, following links.
type AttrSetter interface {
	SetAttrs(ctx context.Context, name string, a Attrs) error
}

// LinkAttrSetter changes attributes of what is at a name, a link itself and not
// what it leads to. A size is ErrUnsupported, and so is the mode of a link where
// links have none; nothing is changed then.
type LinkAttrSetter interface {
	SetLinkAttrs(ctx context.Context, name string, a Attrs) error
}

// FileAttrSetter changes attributes of an open File, staged or not.
type FileAttrSetter interface {
	SetAttrs(ctx context.Context, a Attrs) error
}

// Syncer is a File that can be flushed to where it survives a loss of power: its
// content and, once it has one, its name. A staged File is flushed as such.
type Syncer interface {
	Sync() error
}

// Durable is a backend all of whose Files are Syncers, which is asked before one
// is open.
type Durable interface {
	Durable() bool
}

// RangeCopier is a File that can be copied from without its bytes passing through
// this process.
type RangeCopier interface {
	// CopyRange copies up to n bytes from srcOff on to dstOff in dst and returns
	// how many: fewer at the end of the file, or when ctx is done or either file
	// fails. ErrUnsupported with 0 bytes says that it takes a copy through a
	// buffer. The ranges of one file must not overlap.
	CopyRange(ctx context.Context, dst File, srcOff, dstOff, n int64) (int64, error)
}

// Space is the capacity of the storage below a name, in bytes and in inodes.
type Space struct {
	BlockSize                    uint64
	Total, Free, Avail           uint64 // bytes
	Files, FilesFree, FilesAvail uint64
	NameMax                      uint64
}

// Measurer knows how much room is left.
type Measurer interface {
	Space(ctx context.Context, name string) (Space, error)
}

// Locator tells where a name really is: the absolute OS path, the object key.
// It is for hooks and logs and never goes to a client.
type Locator interface {
	StoragePath(name string) string
}

// Identifier is a FileInfo that knows which object it describes. The id stays
// the same through Commit and Rename and differs for a new file of the same
// name; crash recovery compares it.
type Identifier interface {
	FileID() string
}

// FileIDOf returns the identity of what info describes, or "".
func FileIDOf(info fs.FileInfo) string {
	if i, ok := info.(Identifier); ok {
		return i.FileID()
	}
	return ""
}

// Rooted is a backend that knows where its root is, whatever links lead there.
type Rooted interface {
	// Root is an absolute path with slashes: of two backends of one kind that reach
	// the same root it is the same, and that of a root which lies in another is
	// within (Within) that one. Like a storage path it never goes to a client.
	Root() string
}

// Resolver knows where links lead.
type Resolver interface {
	// Resolve returns the name without links that name leads to, the last
	// component included. That may be missing; then it is the name that creating
	// the file would give it.
	Resolve(ctx context.Context, name string) (string, error)
}

// Placer tells entries of directories apart. Two names, of this FS or of another
// in the process, have the same place exactly when they are one entry, whatever
// links they pass on the way; a link in the last component is an entry itself.
// Moving a directory changes no place in it. The entry may be missing.
type Placer interface {
	Place(ctx context.Context, name string) (string, error)
}

// Replacer is a staged File that knows what Commit would replace; ErrNotExist
// says nothing.
type Replacer interface {
	Replaces() (fs.FileInfo, error)
}

// Stager is a staged File whose content others on this host can read before Commit.
type Stager interface {
	// StagedPath is where the content is, in the sense of Locator; "" when the File is
	// not staged.
	StagedPath() string
}

// Linked is a FileInfo that knows how many names its file has: 0 for one that is
// open and was removed. Of a directory it is 1.
type Linked interface {
	Names() int
}

// NamesOf returns how many names the file that info describes is known to have; 1
// where nothing is known.
func NamesOf(info fs.FileInfo) int {
	if l, ok := info.(Linked); ok {
		return l.Names()
	}
	return 1
}

// Unlinked reports whether what info describes is known to have no name any more.
func Unlinked(info fs.FileInfo) bool { return NamesOf(info) == 0 }

// Sweeper removes what a killed process left behind: staged uploads that nobody
// holds open any more. It returns how many it removed.
type Sweeper interface {
	Sweep(ctx context.Context) (int, error)
}

// Hosted is a backend whose directories are directories of this host as they are:
// a program that works on one finds the files as clients see them.
type Hosted interface {
	// HostDir opens a directory; the caller closes it. ErrNotDir is also the answer
	// when there is a link in the name.
	HostDir(ctx context.Context, name string) (*os.File, error)
}
