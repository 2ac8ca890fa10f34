package session

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"sftpgo/vfs"
)

// The sizes of what moves between two looks at quota, bandwidth and session.
const (
	zeroCopyPiece = 4 << 20
	firstPiece    = 16 << 10
	bufferSize    = 256 << 10
	// largeRead is what a source returns that is likely to have more: half a
	// record of TLS.
	largeRead = 8 << 10
)

// pace chooses how much the kernel is asked to move in one go: about what moves in
// a second. The end of a piece is the only sign of life of a client, and a slow
// one must not count as idle before it comes.
type pace struct {
	size  int64
	began time.Time
}

// next returns the size of the piece that begins now, at most limit.
func (p *pace) next(limit int64) int64 {
	now := time.Now()
	switch took := now.Sub(p.began); {
	case p.size == 0:
		p.size = firstPiece
	case took < time.Second/2:
		p.size = min(2*p.size, zeroCopyPiece)
	case took > 2*time.Second:
		p.size = max(p.size/4, firstPiece)
	}
	p.began = now
	return min(p.size, limit)
}

// buffers serve the copies that the kernel cannot do for us.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, bufferSize)
	return &p
}

func (b *buffers) put(p *[]byte) { b.pool.Put(p) }

// ReadAt reads at an offset.
func (t *Transfer) ReadAt(p []byte, off int64) (int, error) {
	if err := t.readable(); err != nil {
		return 0, err
	}
	n, err := t.piece(func() (int, error) { return t.file.ReadAt(p, off) })
	return n, t.read(n, err)
}

// Read reads at the position.
func (t *Transfer) Read(p []byte) (int, error) {
	if err := t.readable(); err != nil {
		return 0, err
	}
	n, err := t.piece(func() (int, error) { return t.file.Read(p) })
	t.pos += int64(n)
	return n, t.read(n, err)
}

func (t *Transfer) readable() error {
	if err := t.check(); err != nil {
		return err
	}
	if t.up != nil && !t.up.read {
		return refuse("read", t.Name(), vfs.ErrPermission)
	}
	return nil
}

// read accounts for n bytes that were read.
func (t *Transfer) read(n int, err error) error {
	t.s.Touch()
	if t.dir == Download {
		t.moved.Add(int64(n))
	} else {
		t.up.sent.Add(int64(n))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.TransferError(err)
		return err
	}
	if werr := throttle(t.s.ctx, t.limit, n); werr != nil && t.dir == Download {
		return ErrClosed
	}
	return err
}

// WriteAt writes at an offset; a hole before it reads as zeros.
func (t *Transfer) WriteAt(p []byte, off int64) (int, error) {
	if err := t.writable(off, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := t.piece(func() (int, error) { return t.file.WriteAt(p, off) })
	t.digest(p[:n], off)
	return n, t.wrote(int64(n), err)
}

// Write writes at the position.
func (t *Transfer) Write(p []byte) (int, error) {
	if err := t.writable(t.pos, int64(len(p))); err != nil {
		return 0, err
	}
	n, err := t.piece(func() (int, error) { return t.file.Write(p) })
	t.digest(p[:n], t.pos)
	t.pos += int64(n)
	return n, t.wrote(int64(n), err)
}

// writable makes sure that n bytes may be written at off.
func (t *Transfer) writable(off, n int64) error {
	if err := t.check(); err != nil {
		return err
	}
	if t.up == nil {
		return refuse("write", t.Name(), vfs.ErrUnsupported)
	}
	if off < 0 || off+n < off {
		return refuse("write", t.Name(), vfs.ErrUnsupported)
	}
	if err := t.up.grow(off + n); err != nil {
		err = refuse("write", t.Name(), err)
		t.TransferError(err)
		return err
	}
	if n > 0 && t.up.announced {
		t.began(withOrigin(t.s.ctx, t.origin))
	}
	return nil
}

// wrote accounts for n bytes that were written.
func (t *Transfer) wrote(n int64, err error) error {
	t.accept(n)
	if err != nil {
		t.TransferError(err)
		return err
	}
	if throttle(t.s.ctx, t.limit, int(n)) != nil {
		return ErrClosed
	}
	return nil
}

// accept counts n bytes that were written.
func (t *Transfer) accept(n int64) {
	t.s.Touch()
	t.moved.Add(n)
	t.up.touched.Store(true)
}

// Seek moves the position.
func (t *Transfer) Seek(offset int64, whence int) (int64, error) {
	pos, err := t.file.Seek(offset, whence)
	if err == nil {
		t.pos = pos
	}
	return pos, err
}

// ReadFrom uploads all of r from the position on. The data of a TCP connection
// goes from socket to file inside the kernel where storage and system can.
func (t *Transfer) ReadFrom(r io.Reader) (int64, error) {
	rf, ok := t.file.(io.ReaderFrom)
	if _, socket := r.(syscall.Conn); !ok || !socket || t.up == nil {
		return t.copyFrom(r)
	}
	var total int64
	var p pace
	for {
		piece := t.up.piece(t.pos, p.next(t.pieceLimit()))
		if !t.up.room.ample(piece) { // the end of the quota is near: byte for byte
			n, err := t.copyFrom(r)
			return total + n, err
		}
		if err := t.writable(t.pos, piece); err != nil {
			return total, err
		}
		lr := &io.LimitedReader{R: r, N: piece}
		t.undigested()
		n, err := t.longPiece(func() (int64, error) { return rf.ReadFrom(lr) })
		t.pos += n
		total += n
		if err := t.wrote(n, err); err != nil {
			return total, err
		}
		if lr.N > 0 {
			return total, nil
		}
	}
}

// copyFrom is ReadFrom through a buffer, which reserves no more than it writes.
func (t *Transfer) copyFrom(r io.Reader) (total int64, err error) {
	buf := t.s.m.buffers.get()
	defer t.s.m.buffers.put(buf)
	size := min(t.pieceLimit(), bufferSize)
	for {
		n, rerr := t.fill(r, (*buf)[:size])
		if n > 0 {
			n, err = t.Write((*buf)[:n])
			total += int64(n)
		}
		if err == nil && !errors.Is(rerr, io.EOF) {
			err = rerr
		}
		if err != nil || rerr != nil {
			t.TransferError(err)
			return total, err
		}
	}
}

// fill reads until p is full, so that the small pieces in which TLS comes become
// large ones. What a slow source has goes on at once.
func (t *Transfer) fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
		t.s.Touch()
		if m < largeRead {
			break
		}
	}
	return n, err
}

// WriteTo sends the rest of the file to w, with sendfile where it can.
func (t *Transfer) WriteTo(w io.Writer) (int64, error) {
	buf := t.s.m.buffers.get()
	defer t.s.m.buffers.put(buf)
	var total int64
	var p pace
	for {
		if err := t.readable(); err != nil {
			return total, err
		}
		lr := &io.LimitedReader{R: t.file, N: p.next(t.pieceLimit())}
		n, err := t.longPiece(func() (int64, error) { return io.CopyBuffer(w, lr, *buf) })
		t.pos += n
		total += n
		ended := lr.N > 0
		if err := t.read(int(n), err); err != nil {
			return total, fmt.Errorf("send %q: %w", t.Name(), err)
		}
		if ended {
			return total, nil
		}
	}
}

// pieceLimit keeps a throttled transfer from waiting long for one piece.
func (t *Transfer) pieceLimit() int64 {
	if t.limit != nil {
		return min(zeroCopyPiece, int64(t.limit.Burst()))
	}
	return zeroCopyPiece
}
