package sftp

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/pkg/sftp"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// Fileread opens a file for reading.
func (h *handlers) Fileread(r *sftp.Request) (_ io.ReaderAt, err error) {
	defer h.guard("open", r.Filepath, &err)
	t, err := h.s.Download(h.s.Context(), r.Filepath)
	if err != nil {
		return nil, err
	}
	return &file{h: h, t: t}, nil
}

// Filewrite opens a file for writing.
func (h *handlers) Filewrite(r *sftp.Request) (_ io.WriterAt, err error) {
	defer h.guard("open", r.Filepath, &err)
	f, err := h.openWrite(r, vfs.Write)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// OpenFile opens a file for reading and writing.
func (h *handlers) OpenFile(r *sftp.Request) (_ sftp.WriterAtReaderAt, err error) {
	defer h.guard("open", r.Filepath, &err)
	f, err := h.openWrite(r, vfs.Write|vfs.Read)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// openWrite opens with mode and what the flags add to it. An absent file is
// made even without CREAT; clients that resume an upload count on it.
func (h *handlers) openWrite(r *sftp.Request, mode vfs.Mode) (*file, error) {
	flags := r.Pflags()
	mode |= vfs.Create
	if flags.Trunc {
		mode |= vfs.Truncate
	}
	if flags.Creat && flags.Excl {
		mode |= vfs.Excl
	}
	t, err := h.s.Upload(h.s.Context(), r.Filepath, mode)
	if err != nil {
		return nil, err
	}
	f := &file{h: h, t: t}
	if flags.Append && !flags.Trunc {
		info, err := t.Stat()
		if err != nil {
			t.TransferError(err)
			return nil, errors.Join(err, t.Close())
		}
		f.floor = info.Size()
	}
	return f, nil
}

// file is an open handle. pkg/sftp calls ReadAt and WriteAt from several
// goroutines, and the rest when those are done.
type file struct {
	h *handlers
	t *session.Transfer
	// floor is the offset below which nothing may be written: a client that
	// opens with APPEND resumes, and must not destroy what is there.
	floor  int64
	failed atomic.Bool
}

// ReadAt returns io.EOF at the end of the file and otherwise an error ready to
// be sent.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	defer f.h.guard("read", f.t.Name(), &err)
	if off < 0 {
		return 0, errBadMessage
	}
	n, err = f.t.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes all of p or returns an error ready to be sent.
func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	defer func() {
		if err != nil {
			f.fail(err)
		}
	}()
	defer f.h.guard("write", f.t.Name(), &err)
	if off < 0 || off > math.MaxInt64-int64(len(p)) {
		return 0, errBadMessage
	}
	if off < f.floor {
		return 0, &statusError{sftp.ErrSSHFxFailure, fmt.Sprintf("Invalid write offset: %d minimum valid value: %d", off, f.floor)}
	}
	return f.t.WriteAt(p, off)
}

// fail marks the transfer as broken, once: a client may go on to send what it
// has in flight, and close the handle as if nothing had happened.
func (f *file) fail(err error) {
	if f.failed.CompareAndSwap(false, true) {
		f.t.TransferError(err)
	}
}

// TransferError is called by pkg/sftp when the connection ends with the handle
// open.
func (f *file) TransferError(err error) { f.fail(err) }

// Close ends the transfer; its error is the answer to CLOSE.
func (f *file) Close() (err error) {
	defer f.h.guard("close", f.t.Name(), &err)
	return f.t.Close()
}
