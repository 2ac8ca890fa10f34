package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync/atomic"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// file is an open file.
type file struct {
	t      *session.Transfer
	append *appending // nil: not opened to append
	// readOnly: not opened for writing, though perhaps with flags that need the
	// rights of a writer.
	readOnly bool
	failed   atomic.Bool
}

// fail marks the transfer as broken, once: a client may go on to send what it
// has in flight, and close the handle as if nothing had happened.
func (f *file) fail(err error) {
	if f.failed.CompareAndSwap(false, true) {
		f.t.TransferError(err)
	}
}

// writeAt writes all of p.
func (f *file) writeAt(p []byte, off uint64) error {
	if off > math.MaxInt64-uint64(len(p)) {
		return errBadMessage
	}
	at := int64(off)
	if f.append != nil {
		var err error
		if at, err = f.append.place(at, len(p)); err != nil {
			return err
		}
	}
	_, err := f.t.WriteAt(p, at)
	return err
}

// copyTo copies n bytes of the file into another, all to the end if n is 0. What the
// end of the client cuts short fails the upload: a CLOSE may have been sent behind
// it.
func (f *file) copyTo(ctx context.Context, to *file, from, n, off int64) (int64, error) {
	if to.append != nil {
		var err error
		if off, err = to.append.place(off, 0); err != nil {
			return 0, err
		}
	}
	done, err := f.t.CopyRange(ctx, to.t, from, n, off)
	if to.append != nil {
		to.append.end = max(to.append.end, off+done)
	}
	if err != nil && ctx.Err() != nil {
		to.fail(err)
	}
	return done, err
}

// setAttrs is SetAttrs. A size moves the end to which is appended.
func (f *file) setAttrs(ctx context.Context, a vfs.Attrs) error {
	err := f.t.SetAttrs(ctx, a)
	if err == nil && a.Size != nil && f.append != nil {
		f.append.end = *a.Size
		f.append.floor = min(f.append.floor, *a.Size)
	}
	return err
}

// file finds an open file.
func (c *conn) file(wire []byte) (*handle, error) {
	h := c.handles.get(wire)
	if h == nil || h.file == nil {
		return nil, errHandle
	}
	return h, nil
}

// readPacket is READ. The data goes behind its header in the batch, and from
// there to the client.
func (c *conn) readPacket(id uint32, f *fields) error {
	wire, off, n := f.bytes(), f.u64(), f.u32()
	if f.bad {
		return ErrPacket
	}
	h, err := c.file(wire)
	if err != nil {
		return c.loop.fail(id, err)
	}
	if h.queued.Load() == 0 {
		return c.replyData(c.loop, id, h, off, n)
	}
	return c.submit(&request{id: id, op: "read", h: h, run: func(_ context.Context, b *batch) error {
		return c.replyData(b, id, h, off, n)
	}})
}

func (c *conn) replyData(b *batch, id uint32, h *handle, off uint64, n uint32) error {
	n = min(n, maxData)
	if err := b.reserve(max(dataHeader+int(n), smallReply)); err != nil {
		return err
	}
	b.begin(typeData, id)
	b.u32(0)
	at := len(b.buf)
	got, err := c.readAt(h.file, b.buf[at:at+int(n)], off)
	if got == 0 && err == nil {
		err = io.EOF // none were asked for: sftp-server answers so
	}
	if err != nil && (got == 0 || !errors.Is(err, io.EOF)) {
		b.undo()
		return b.fail(id, err)
	}
	b.buf = b.buf[:at+got]
	binary.BigEndian.PutUint32(b.buf[at-4:], uint32(got))
	b.end()
	return nil
}

// readAt is one read, whose panic fails the request.
func (c *conn) readAt(f *file, p []byte, off uint64) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, c.panicked("read", f.t.Name(), r)
		}
	}()
	if off > math.MaxInt64 {
		return 0, errBadMessage
	}
	return f.t.ReadAt(p, int64(off))
}

// writePacket is WRITE. The data goes from the input to the file.
func (c *conn) writePacket(id uint32, f *fields) error {
	wire, off, data := f.bytes(), f.u64(), f.bytes()
	if f.bad {
		return ErrPacket
	}
	h, err := c.file(wire)
	if err != nil {
		return c.loop.fail(id, err)
	}
	if h.queued.Load() == 0 {
		return c.replyWrite(c.loop, id, h, data, off)
	}
	kept := append([]byte(nil), data...)
	return c.submit(&request{id: id, op: "write", h: h, bytes: len(kept), run: func(_ context.Context, b *batch) error {
		return c.replyWrite(b, id, h, kept, off)
	}})
}

func (c *conn) replyWrite(b *batch, id uint32, h *handle, data []byte, off uint64) error {
	if h.file.readOnly {
		return b.fail(id, vfs.ErrPermission)
	}
	if err := c.writeAt(h.file, data, off); err != nil {
		h.file.fail(err)
		return b.fail(id, err)
	}
	return b.ok(id)
}

// writeAt is one write, whose panic fails the request.
func (c *conn) writeAt(f *file, p []byte, off uint64) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = c.panicked("write", f.t.Name(), r)
		}
	}()
	return f.writeAt(p, off)
}
