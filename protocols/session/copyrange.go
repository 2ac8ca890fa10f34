package session

import (
	"context"
	"errors"
	"io"

	"sftpgo/vfs"
)

// CopyRange copies n bytes from srcOff on to dstOff in dst, an upload of the same
// session; n 0 is all to the end (copy-data of
// draft-ietf-secsh-filexfer-extensions-00 section 7). Where the storage can, no
// byte passes through the server. The bytes count for dst, its quota and its
// bandwidth, and not as a download. Within one file the ranges must not overlap:
// that is vfs.ErrUnsupported. It returns how many bytes were copied, fewer than n
// if the file ends before; it ends with ctx.
func (t *Transfer) CopyRange(ctx context.Context, dst *Transfer, srcOff, n, dstOff int64) (int64, error) {
	ctx, cancel := t.s.within(ctx)
	defer cancel()
	var total int64
	n, err := t.copyable(dst, srcOff, n, dstOff)
	if err == nil && n > 0 {
		total, err = t.copyRange(ctx, dst, srcOff, n, dstOff)
		err = t.s.why(ctx, err)
	}
	dst.s.failed("copy", dst.Name(), err)
	return total, err
}

// copyable checks both ends, and returns how many bytes there are to copy.
func (t *Transfer) copyable(dst *Transfer, srcOff, n, dstOff int64) (int64, error) {
	if err := t.readable(); err != nil {
		return 0, err
	}
	if srcOff < 0 || n < 0 || srcOff+n < srcOff {
		return 0, refuse("copy", t.Name(), vfs.ErrUnsupported)
	}
	info, err := t.file.Stat()
	if err != nil {
		return 0, err
	}
	there := max(info.Size()-srcOff, 0)
	if n == 0 || n > there {
		n = there
	}
	if err := dst.writable(0, 0); err != nil {
		return 0, err
	}
	if dstOff < 0 || dstOff+n < dstOff {
		return 0, refuse("copy", dst.Name(), vfs.ErrUnsupported)
	}
	to, err := dst.file.Stat()
	if err != nil {
		return 0, err
	}
	id := vfs.FileIDOf(info)
	same := t == dst || id != "" && id == vfs.FileIDOf(to) || id == "" && t.Name() == dst.Name()
	if same && srcOff < dstOff+n && dstOff < srcOff+n {
		return 0, refuse("copy", dst.Name(), vfs.ErrUnsupported)
	}
	return n, nil
}

func (t *Transfer) copyRange(ctx context.Context, dst *Transfer, srcOff, n, dstOff int64) (total int64, err error) {
	dst.undigested()
	c := copier{from: t, to: dst}
	defer c.close()
	var p pace
	for total < n {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		if err := dst.failure(); err != nil {
			return total, err
		}
		size := min(n-total, p.next(dst.pieceLimit()))
		if err := dst.writable(dstOff+total, size); err != nil {
			return total, err
		}
		m, err := c.copy(ctx, srcOff+total, dstOff+total, size)
		total += m
		if m > 0 {
			dst.accept(m)
		}
		if err == nil {
			err = throttle(ctx, dst.limit, int(m))
		}
		switch {
		case ctx.Err() != nil:
			return total, ctx.Err()
		case err != nil:
			dst.TransferError(err)
			return total, err
		case m < size:
			return total, nil // the file has become shorter
		}
	}
	return total, nil
}

// copier copies pieces of one open file to another.
type copier struct {
	from, to *Transfer
	buf      *[]byte // set when the storage cannot do it alone
}

func (c *copier) close() {
	if c.buf != nil {
		c.from.s.m.buffers.put(c.buf)
	}
}

// copy copies n bytes, or up to the end.
func (c *copier) copy(ctx context.Context, srcOff, dstOff, n int64) (int64, error) {
	return c.from.longPiece(func() (int64, error) {
		return c.to.longPiece(func() (int64, error) {
			if rc, ok := vfs.As[vfs.RangeCopier](c.from.file); ok && c.buf == nil {
				m, err := rc.CopyRange(ctx, c.to.file, srcOff, dstOff, n)
				// 0 bytes are no end: some file systems say so of files whose
				// size they do not know.
				if m > 0 || err != nil && !errors.Is(err, vfs.ErrUnsupported) {
					return m, err
				}
			}
			return c.through(ctx, srcOff, dstOff, n)
		})
	})
}

// through is copy with a buffer.
func (c *copier) through(ctx context.Context, srcOff, dstOff, n int64) (total int64, err error) {
	if c.buf == nil {
		c.buf = c.from.s.m.buffers.get()
	}
	for total < n {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		p := (*c.buf)[:min(n-total, bufferSize)]
		m, rerr := c.from.file.ReadAt(p, srcOff+total)
		w, err := c.to.file.WriteAt(p[:m], dstOff+total)
		total += int64(w)
		switch {
		case err != nil:
			return total, err
		case errors.Is(rerr, io.EOF):
			return total, nil
		case rerr != nil:
			return total, rerr
		}
	}
	return total, nil
}
