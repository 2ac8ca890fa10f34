package ftpd

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"time"

	"github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// driver is the file system of one logged-in client.
type driver struct {
	c *client
	s *session.Session
}

var (
	_ ftpserver.ClientDriver                        = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionFileList       = (*driver)(nil)
	_ ftpserver.ClientDriverExtentionFileTransfer   = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionRemoveDir      = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionAvailableSpace = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionAllocate       = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionSymlink        = (*driver)(nil)
)

// do runs one call of the library: it is counted, survives a panic, and its
// error is a reply.
func (d *driver) do(op string, f func(ctx context.Context) error) (err error) {
	defer d.c.rescue(op, &err)
	if !d.c.enter() {
		return refuse(session.ErrClosed)
	}
	defer d.c.leave()
	return refuse(f(d.s.Context()))
}

// abs completes a name. The library cleans names and makes them absolute, except
// where it looks whether the first argument of LIST is an option or a name.
func (d *driver) abs(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(d.c.directory(), name)
}

// Name is the name of the file system.
func (d *driver) Name() string { return "sftpgo" }

// Stat follows links, but for RNFR: a link is renamed itself, and may dangle.
func (d *driver) Stat(name string) (info os.FileInfo, err error) {
	err = d.do("stat", func(ctx context.Context) error {
		look := d.s.Stat
		if d.c.lastCommand() == "RNFR" {
			look = d.s.Lstat
		}
		found, err := look(ctx, d.abs(name))
		if err != nil {
			return err
		}
		info = newEntry(found)
		return nil
	})
	return info, err
}

// ReadDir lists a directory.
func (d *driver) ReadDir(name string) (list []os.FileInfo, err error) {
	err = d.do("list", func(ctx context.Context) error {
		list, err = d.list(ctx, name)
		return err
	})
	return list, err
}

// GetHandle opens a file for RETR, STOR or APPE. offset is that of REST (RFC
// 3659, section 5); STOR with one, and APPE, keep what is there.
func (d *driver) GetHandle(name string, flags int, offset int64) (h ftpserver.FileTransfer, err error) {
	err = d.do("open", func(ctx context.Context) error {
		if offset < 0 {
			return &refusal{501, "REST: the offset is negative"}
		}
		t, err := d.open(ctx, name, flags)
		if err != nil {
			return err
		}
		whence := io.SeekStart
		if flags&os.O_APPEND != 0 {
			offset, whence = 0, io.SeekEnd
		}
		if _, err := t.Seek(offset, whence); err != nil {
			t.TransferError(err)
			_ = t.Close() // the first error is the answer
			return fmt.Errorf("seek %q: %w", name, err)
		}
		d.c.transferBegun()
		h = &handle{c: d.c, t: t}
		return nil
	})
	return h, err
}

func (d *driver) open(ctx context.Context, name string, flags int) (*session.Transfer, error) {
	if flags&os.O_WRONLY == 0 {
		return d.s.Download(ctx, name)
	}
	mode := vfs.Write | vfs.Create
	if flags&os.O_TRUNC != 0 {
		mode |= vfs.Truncate
	}
	return d.s.Upload(ctx, name, mode)
}

// Mkdir makes a directory; the storage chooses its mode.
func (d *driver) Mkdir(name string, _ os.FileMode) error {
	return d.do("mkdir", func(ctx context.Context) error { return d.s.Mkdir(ctx, name) })
}

// Remove deletes a file or a link.
func (d *driver) Remove(name string) error {
	return d.do("remove", func(ctx context.Context) error { return d.s.Remove(ctx, name) })
}

// RemoveDir deletes an empty directory.
func (d *driver) RemoveDir(name string) error {
	return d.do("rmdir", func(ctx context.Context) error { return d.s.Rmdir(ctx, name) })
}

// Rename replaces a file at newname, as FTP servers do.
func (d *driver) Rename(oldname, newname string) error {
	return d.do("rename", func(ctx context.Context) error { return d.s.Rename(ctx, oldname, newname) })
}

// Chmod serves SITE CHMOD.
func (d *driver) Chmod(name string, mode os.FileMode) error {
	return d.do("chmod", func(ctx context.Context) error {
		mode &= os.ModePerm
		return d.s.SetAttrs(ctx, name, vfs.Attrs{Mode: &mode})
	})
}

// Chtimes serves MFMT.
func (d *driver) Chtimes(name string, atime, mtime time.Time) error {
	return d.do("chtimes", func(ctx context.Context) error {
		return d.s.SetAttrs(ctx, name, vfs.Attrs{Atime: &atime, Mtime: &mtime})
	})
}

// Symlink serves SITE SYMLINK. The library has made both names absolute.
func (d *driver) Symlink(target, newname string) error {
	return d.do("symlink", func(ctx context.Context) error { return d.s.Symlink(ctx, target, newname) })
}

// GetAvailableSpace serves AVBL: bytes that the client may still store.
func (d *driver) GetAvailableSpace(dir string) (n int64, err error) {
	err = d.do("space", func(ctx context.Context) error {
		space, err := d.s.Space(ctx, dir)
		n = int64(min(space.Avail, math.MaxInt64))
		return err
	})
	return n, err
}

// AllocateSpace serves ALLO: nothing is reserved, the client learns whether it
// would fit.
func (d *driver) AllocateSpace(size int) error {
	return d.do("space", func(ctx context.Context) error {
		space, err := d.s.Space(ctx, d.c.directory())
		if err == nil && (size < 0 || uint64(size) > space.Avail) {
			err = vfs.ErrNoSpace
		}
		return err
	})
}

// What follows is part of afero.Fs, and reached by no command that is enabled:
// SITE CHOWN takes names that it does not know for root, SITE MKDIR and RMDIR
// change whole trees, and files are opened by GetHandle.

func (d *driver) unsupported(op string) error {
	return d.do(op, func(context.Context) error { return vfs.ErrUnsupported })
}

// Chown is not supported.
func (d *driver) Chown(string, int, int) error { return d.unsupported("chown") }

// MkdirAll is not supported.
func (d *driver) MkdirAll(string, os.FileMode) error { return d.unsupported("mkdir") }

// RemoveAll is not supported.
func (d *driver) RemoveAll(string) error { return d.unsupported("remove") }

// Create is not supported.
func (d *driver) Create(string) (afero.File, error) { return nil, d.unsupported("create") }

// Open is not supported.
func (d *driver) Open(string) (afero.File, error) { return nil, d.unsupported("open") }

// OpenFile is not supported.
func (d *driver) OpenFile(string, int, os.FileMode) (afero.File, error) {
	return nil, d.unsupported("open")
}
