package sftp

import (
	"context"
	"errors"
	"io/fs"

	"sftpgo/vfs"
)

// The flags of OPEN (draft 02, section 6.3).
const (
	openRead   = 0x01
	openWrite  = 0x02
	openAppend = 0x04
	openCreate = 0x08
	openTrunc  = 0x10
	openExcl   = 0x20
)

// openFile is OPEN.
func (c *conn) openFile(f *fields) *request {
	name, flags := f.text(), f.u32()
	a, err := f.attrs()
	if err != nil {
		return refused("open", err)
	}
	q := &request{op: "open", names: []string{name}, bytes: len(name)}
	q.run = func(ctx context.Context, b *batch) error {
		open, err := c.open(ctx, name, flags, a.Mode)
		if err != nil {
			return err
		}
		return c.handOut(b, q.id, &handle{file: open})
	}
	return q
}

// handOut answers with a handle; what it is of ends if there can be none.
func (c *conn) handOut(b *batch, id uint32, h *handle) error {
	if err := c.handles.add(h); err != nil {
		if h.listing != nil {
			h.listing.close()
			return err
		}
		h.file.fail(err)
		return errors.Join(err, h.file.t.Close())
	}
	if err := b.reserve(smallReply); err != nil {
		return err
	}
	b.begin(typeHandle, id)
	b.text(string(h.wire()))
	b.end()
	return nil
}

// open opens a file. Whatever may make or change one needs the rights of a
// writer; a client that gives no access at all means to read, as in POSIX. A file
// that is made gets the mode that the client gives: git in sshfs marks programs so,
// and OpenSSH's put keeps private files private.
func (c *conn) open(ctx context.Context, name string, flags uint32, mode *fs.FileMode) (*file, error) {
	if flags&(openWrite|openAppend|openCreate|openTrunc) == 0 {
		t, err := c.s.Download(ctx, name)
		if err != nil {
			return nil, err
		}
		return &file{t: t, readOnly: true}, nil
	}
	t, err := c.s.Upload(ctx, name, uploadMode(flags))
	if err != nil {
		return nil, err
	}
	if mode != nil {
		if err := t.InitialMode(ctx, *mode); err != nil {
			t.TransferError(err)
			return nil, errors.Join(err, t.Close())
		}
	}
	f := &file{t: t, readOnly: flags&(openRead|openWrite|openAppend) == openRead}
	if flags&openAppend != 0 && flags&openTrunc == 0 {
		info, err := t.Stat()
		if err != nil {
			t.TransferError(err)
			return nil, errors.Join(err, t.Close())
		}
		f.append = &appending{floor: info.Size(), end: info.Size()}
	}
	return f, nil
}

// uploadMode translates the flags. An absent file is made even without CREAT;
// clients that resume an upload count on it.
func uploadMode(flags uint32) vfs.Mode {
	mode := vfs.Write | vfs.Create
	if flags&openRead != 0 {
		mode |= vfs.Read
	}
	if flags&openTrunc != 0 {
		mode |= vfs.Truncate
	}
	if flags&openCreate != 0 && flags&openExcl != 0 {
		mode |= vfs.Excl
	}
	return mode
}
