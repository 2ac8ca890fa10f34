package ftpd

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
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

	// room is what the last ALLO asked for, and one more; 0: there was none since
	// the last upload.
	room atomic.Int64
}

// length is what the client has said of the upload that begins: ALLO comes before
// it (RFC 959, 4.1.3). Of one that goes on it says nothing that is certain.
func (d *driver) length(flags vfs.Mode) int64 {
	if n := d.room.Swap(0) - 1; flags.Has(vfs.Truncate) || flags.Has(vfs.Excl) {
		return n
	}
	return -1
}

var (
	_ ftpserver.ClientDriver                        = (*driver)(nil)
	_ ftpserver.ClientDriverExtentionFileTransfer   = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionRemoveDir      = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionAvailableSpace = (*driver)(nil)
	_ ftpserver.ClientDriverExtensionSite           = (*driver)(nil)
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

// Name is the name of the file system.
func (d *driver) Name() string { return "sftpgo" }

// Stat follows links, but for RNFR: a link is renamed itself, and may dangle.
func (d *driver) Stat(name string) (info os.FileInfo, err error) {
	err = d.do("stat", func(ctx context.Context) error {
		look := d.s.Stat
		if d.c.lastCommand() == "RNFR" {
			look = d.s.Lstat
		}
		found, err := look(ctx, name)
		if err != nil {
			return err
		}
		info = newEntry(found)
		return nil
	})
	return info, err
}

// GetHandle opens a file for RETR, STOR or APPE. offset is that of REST (RFC
// 3659, section 5); STOR with one, and APPE, keep what is there. Nobody resumes
// beyond the end: of a client that tries, the file is another one than it thinks.
func (d *driver) GetHandle(name string, flags int, offset int64) (h ftpserver.FileTransfer, err error) {
	defer func() { d.c.control.starting.opened(err) }()
	err = d.do("open", func(ctx context.Context) error {
		own := name == ownName
		var open opening
		if own {
			open = d.c.nextOpening()
		}
		if err := d.c.mayTransfer(); err != nil {
			return err
		}
		if own {
			if flags&os.O_WRONLY != 0 && offset != 0 { // of REST, for an older file
				return &refusal{501, "STOU begins a file"}
			}
			h, err = open(ctx, d)
			return err
		}
		if offset < 0 {
			return &refusal{501, "REST: the offset is negative"}
		}
		t, err := d.open(ctx, name, flags, offset)
		if err != nil {
			return err
		}
		if err := position(t, flags, offset); err != nil {
			t.TransferError(err)
			_ = t.Close() // the first error is the answer
			return fmt.Errorf("seek %q: %w", name, err)
		}
		h = d.started(t)
		return nil
	})
	return h, err
}

func (d *driver) started(t *session.Transfer) *handle {
	d.c.transferBegun(t.Name())
	return &handle{c: d.c, t: t}
}

func (d *driver) open(ctx context.Context, name string, flags int, offset int64) (*session.Transfer, error) {
	if flags&os.O_WRONLY == 0 {
		return d.s.Download(ctx, name)
	}
	mode := vfs.Write
	if offset == 0 {
		mode |= vfs.Create
	}
	if flags&os.O_TRUNC != 0 {
		mode |= vfs.Truncate
	}
	return d.s.UploadSized(ctx, name, mode, d.length(mode))
}

func position(t *session.Transfer, flags int, offset int64) error {
	whence := io.SeekStart
	switch {
	case flags&os.O_APPEND != 0:
		offset, whence = 0, io.SeekEnd
	case offset > 0:
		info, err := t.Stat()
		if err != nil {
			return err
		}
		if offset > info.Size() {
			return &refusal{554, "REST: the file is not that long"} // the code is of RFC 3659, section 5
		}
	}
	_, err := t.Seek(offset, whence)
	return err
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

// GetAvailableSpace serves AVBL: bytes that the client may still store.
func (d *driver) GetAvailableSpace(dir string) (n int64, err error) {
	err = d.do("space", func(ctx context.Context) error {
		space, err := d.s.Space(ctx, dir)
		n = int64(min(space.Avail, math.MaxInt64))
		return err
	})
	return n, err
}

// What follows is part of afero.Fs, and reached by no command: control has taken
// SITE and MFMT for itself, and files are opened by GetHandle.

func (d *driver) unsupported(op string) error {
	return d.do(op, func(context.Context) error { return vfs.ErrUnsupported })
}

// Chmod is not supported.
func (d *driver) Chmod(string, os.FileMode) error { return d.unsupported("chmod") }

// Chtimes is not supported.
func (d *driver) Chtimes(string, time.Time, time.Time) error { return d.unsupported("chtimes") }

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
