package localfs

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"sftpgo/vfs"
)

// File is an open file. Besides what vfs.File promises it hands the descriptor
// to sendfile and splice (io.WriterTo, io.ReaderFrom, syscall.Conn).
type File struct {
	ctx    context.Context
	t      *tree
	f      *os.File
	name   string
	mode   vfs.Mode
	staged *staging // nil when opened in place

	mu     sync.Mutex // orders Commit, Sync and Close
	closed bool
	sealed atomic.Bool // Commit was called
}

var (
	_ vfs.File           = (*File)(nil)
	_ vfs.FileAttrSetter = (*File)(nil)
	_ vfs.Syncer         = (*File)(nil)
	_ vfs.RangeCopier    = (*File)(nil)
	_ vfs.Stager         = (*File)(nil)
	_ io.ReaderFrom      = (*File)(nil)
	_ io.WriterTo        = (*File)(nil)
	_ syscall.Conn       = (*File)(nil)
)

// ready begins every operation on the content that has no context of its own.
func (f *File) ready(op string, need vfs.Mode) error {
	if err := f.allowed(op, need); err != nil {
		return err
	}
	return f.fail(op, f.ctx.Err())
}

// allowed refuses what the mode does not allow, and writing after Commit.
func (f *File) allowed(op string, need vfs.Mode) error {
	if !f.mode.Has(need) {
		return refuse(op, f.name, vfs.ErrUnsupported, "not opened for this")
	}
	if need == vfs.Write && f.sealed.Load() {
		return refuse(op, f.name, vfs.ErrUnsupported, "already committed")
	}
	return nil
}

// fail leaves io.EOF alone.
func (f *File) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return f.t.fail(op, f.name, err)
}

// Read reads at the position.
func (f *File) Read(p []byte) (int, error) {
	if err := f.ready("read", vfs.Read); err != nil {
		return 0, err
	}
	n, err := f.f.Read(p)
	return n, f.fail("read", err)
}

// ReadAt reads at off and leaves the position alone.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if err := f.ready("read", vfs.Read); err != nil {
		return 0, err
	}
	n, err := f.f.ReadAt(p, off)
	return n, f.fail("read", err)
}

// Write writes at the position.
func (f *File) Write(p []byte) (int, error) {
	if err := f.ready("write", vfs.Write); err != nil {
		return 0, err
	}
	n, err := f.f.Write(p)
	return n, f.fail("write", err)
}

// WriteAt writes at off, beyond the end if need be, and leaves the position alone.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.ready("write", vfs.Write); err != nil {
		return 0, err
	}
	n, err := f.f.WriteAt(p, off)
	return n, f.fail("write", err)
}

// Seek moves the position.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if err := f.fail("seek", f.ctx.Err()); err != nil {
		return 0, err
	}
	n, err := f.f.Seek(offset, whence)
	return n, f.fail("seek", err)
}

// Stat tells the state of the open content, under the name it was opened with.
func (f *File) Stat() (fs.FileInfo, error) {
	i, err := infoOf(f.f)
	if err != nil {
		return nil, f.fail("stat", err)
	}
	i.name = path.Base(f.name)
	return i, nil
}

// StagedPath returns the absolute path of the host. It is outdated when the directory
// is moved.
func (f *File) StagedPath() string {
	if f.staged == nil {
		return ""
	}
	return filepath.Join(f.t.path, filepath.FromSlash(path.Dir(f.name)), f.staged.name)
}

// Commit publishes a staged file under its name, replacing what is there in one
// step; with Excl it is vfs.ErrExist if something is. Nothing is flushed to the
// disk: see Sync. A directory that was moved meanwhile takes the file along. The
// context of Open does not matter any more, so that what arrived of an upload
// can be kept after its client has gone.
func (f *File) Commit(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return f.fail("commit", fs.ErrClosed)
	case !f.mode.Has(vfs.Write):
		return refuse("commit", f.name, vfs.ErrUnsupported, "not opened for this")
	case ctx.Err() != nil:
		return f.fail("commit", ctx.Err())
	case f.sealed.Swap(true):
		return refuse("commit", f.name, vfs.ErrUnsupported, "already committed")
	case f.staged == nil:
		return nil
	}
	return f.fail("commit", f.staged.publish(f.mode))
}

// Close removes a staged file that was not published.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.fail("close", fs.ErrClosed)
	}
	f.closed = true
	var err error
	if f.staged != nil {
		err = f.staged.drop()
		defer f.staged.dir.Close()
	}
	if e := f.f.Close(); err == nil {
		err = e
	}
	return f.fail("close", err)
}

// Sync flushes the content to the disk and, of a file that was made, its entry
// in the directory. What shall survive a loss of power is synced before Commit,
// so that no name stands for half a file, and again after it.
func (f *File) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.fail("sync", fs.ErrClosed)
	}
	if err := f.f.Sync(); err != nil {
		return f.fail("sync", err)
	}
	switch {
	case f.staged != nil && f.staged.published:
		return f.fail("sync", syncDir(f.staged.dir))
	case f.staged == nil && f.mode.Has(vfs.Create):
		rel, err := relative(path.Dir(f.name))
		if err != nil {
			return f.fail("sync", err)
		}
		dir, err := f.t.openDir(rel)
		if err != nil {
			return f.fail("sync", err)
		}
		defer dir.Close()
		return f.fail("sync", syncDir(dir))
	}
	return nil
}

func syncDir(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
