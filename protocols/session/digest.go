package session

import (
	"context"
	"errors"
	"io"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Digest feeds the whole of a file to h. It takes the permissions list and
// download, since a hash of little says all, and the file filters. It is no
// download: no hook hears of it and no bandwidth is counted.
func (s *Session) Digest(ctx context.Context, name string, h io.Writer) error {
	_, err := s.DigestRange(ctx, name, h, 0, 0)
	return err
}

// DigestRange is Digest of n bytes from off on; 0 is all to the end. It returns how
// many there were, fewer than n if the file ends before.
func (s *Session) DigestRange(ctx context.Context, name string, h io.Writer, off, n int64) (total int64, err error) {
	err = s.do("digest", name, func(name string) error {
		if off < 0 || n < 0 {
			return refuse("digest", name, vfs.ErrUnsupported)
		}
		may := func() error {
			if !s.reaches(dataprovider.PermList, name) || !s.reaches(dataprovider.PermDownload, name) || !s.contentAllowed(name) {
				return refuse("digest", name, vfs.ErrPermission)
			}
			return nil
		}
		if err := may(); err != nil {
			return err
		}
		release, err := s.reserve()
		if err != nil {
			return refuse("digest", name, err)
		}
		defer release()
		ctx, cancel := s.within(ctx)
		defer cancel()
		var f vfs.File
		err = s.steady(may, func() (err error) {
			f, err = s.fs.Open(ctx, name, vfs.Read)
			return err
		})
		if err != nil {
			return err
		}
		defer f.Close() // only read
		total, err = s.feed(ctx, f, h, off, n, func(f func() (int, error)) (int, error) { return f() })
		return s.why(ctx, err)
	})
	return total, err
}

// Digest feeds n bytes of the open file from off on to h; 0 is all to the end. It
// returns how many there were. It takes the permission to read and is not counted
// as a transfer.
func (t *Transfer) Digest(ctx context.Context, h io.Writer, off, n int64) (int64, error) {
	err := t.readable()
	if err == nil && (off < 0 || n < 0) {
		err = refuse("digest", t.Name(), vfs.ErrUnsupported)
	}
	var total int64
	if err == nil {
		ctx, cancel := t.s.within(ctx)
		defer cancel()
		total, err = t.s.feed(ctx, t.file, h, off, n, t.piece)
		err = t.s.why(ctx, err)
	}
	t.s.failed("digest", t.Name(), err)
	return total, err
}

// feed reads n bytes from off on, 0 is all, each piece within do, and writes them
// to w.
func (s *Session) feed(ctx context.Context, r io.ReaderAt, w io.Writer, off, n int64,
	do func(func() (int, error)) (int, error),
) (total int64, err error) {
	buf := s.m.buffers.get()
	defer s.m.buffers.put(buf)
	for n == 0 || total < n {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		p := *buf
		if n > 0 {
			p = p[:min(n-total, bufferSize)]
		}
		m, rerr := do(func() (int, error) { return r.ReadAt(p, off+total) })
		s.Touch()
		if m > 0 {
			if _, err := w.Write(p[:m]); err != nil {
				return total, err
			}
			total += int64(m)
		}
		switch {
		case errors.Is(rerr, io.EOF):
			return total, nil
		case rerr != nil:
			return total, rerr
		}
	}
	return total, nil
}

// within is ctx that ends with the session too.
func (s *Session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// why is the reason for err, where that is the end of ctx or of the session.
func (s *Session) why(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case s.ctx.Err() != nil:
		return ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}
