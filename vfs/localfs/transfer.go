package localfs

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"sftpgo/vfs"
)

const (
	// piece is what one sendfile or splice moves before the context is looked at.
	piece = 4 << 20
	// bufferSize is for copies that the kernel cannot do alone.
	bufferSize = 256 << 10
)

// SyscallConn gives the descriptor to net and os, which recognise it in an
// io.LimitedReader too. What is done with it does not see the context.
func (f *File) SyscallConn() (syscall.RawConn, error) {
	if err := f.fail("open", f.ctx.Err()); err != nil {
		return nil, err
	}
	c, err := f.f.SyscallConn()
	return c, f.fail("open", err)
}

// WriteTo writes what is left to w, through sendfile where w is a connection.
// It returns between two pieces of 4 MiB when the context is done.
func (f *File) WriteTo(w io.Writer) (total int64, err error) {
	var buf []byte
	if _, ok := w.(io.ReaderFrom); !ok {
		buf = make([]byte, bufferSize)
	}
	for {
		if err := f.ready("read", vfs.Read); err != nil {
			return total, err
		}
		n, err := io.CopyBuffer(w, &io.LimitedReader{R: f.f, N: piece}, buf)
		total += n
		if err != nil {
			return total, f.ours("read", err)
		}
		if n < piece {
			return total, nil
		}
	}
}

// ReadFrom writes what r has until io.EOF, through splice where r is a
// connection, in an io.LimitedReader or by itself. It returns between two
// pieces of 4 MiB when the context is done.
func (f *File) ReadFrom(r io.Reader) (total int64, err error) {
	// One wrapper is all that splice looks through.
	outer, limited := r.(*io.LimitedReader)
	if limited {
		r = outer.R
	}
	copyPiece := f.copier(r)
	for {
		if err := f.ready("write", vfs.Write); err != nil {
			return total, err
		}
		want := int64(piece)
		if limited {
			want = min(want, outer.N)
		}
		if want <= 0 {
			return total, nil
		}
		n, err := copyPiece(want)
		total += n
		if limited {
			outer.N -= n
		}
		if err != nil {
			return total, f.ours("write", err)
		}
		if n < want {
			return total, nil
		}
	}
}

// copier returns what writes up to n bytes of r.
func (f *File) copier(r io.Reader) func(n int64) (int64, error) {
	if own, ok := r.(*File); ok && own.mode.Has(vfs.Read) {
		// os copies within the kernel when it sees its own type.
		r = own.f
	}
	if _, ok := r.(syscall.Conn); ok {
		return func(n int64) (int64, error) {
			return f.f.ReadFrom(&io.LimitedReader{R: r, N: n})
		}
	}
	buf := make([]byte, bufferSize)
	return func(n int64) (int64, error) {
		return io.CopyBuffer(struct{ io.Writer }{f.f}, &io.LimitedReader{R: r, N: n}, buf)
	}
}

// ours wraps what the file said; what the other side said passes as it is.
func (f *File) ours(op string, err error) error {
	switch err.(type) {
	case *fs.PathError, *os.SyscallError:
		return f.fail(op, err)
	}
	return err
}
