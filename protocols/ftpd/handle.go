package ftpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/protocols/session"
)

// handle is one transfer as the library sees it. It forwards WriteTo and
// ReadFrom, so that sendfile and splice survive, and turns errors into replies.
type handle struct {
	c       *client
	t       *session.Transfer
	closing sync.Once
	cause   error     // what really happened; the library knows the reply only
	source  io.Reader // of an upload that failed, if the client may still be sending
}

var (
	_ ftpserver.FileTransfer      = (*handle)(nil)
	_ ftpserver.FileTransferError = (*handle)(nil)
	_ io.WriterTo                 = (*handle)(nil)
	_ io.ReaderFrom               = (*handle)(nil)
)

func (h *handle) Read(p []byte) (n int, err error) {
	defer h.c.rescue("read", &err)
	n, err = h.t.Read(p)
	return n, h.failed(err)
}

func (h *handle) Write(p []byte) (n int, err error) {
	defer h.c.rescue("write", &err)
	n, err = h.t.Write(p)
	return n, h.failed(err)
}

func (h *handle) Seek(offset int64, whence int) (pos int64, err error) {
	defer h.c.rescue("seek", &err)
	pos, err = h.t.Seek(offset, whence)
	return pos, h.failed(err)
}

// WriteTo downloads the rest of the file to the data connection.
func (h *handle) WriteTo(w io.Writer) (n int64, err error) {
	defer h.c.rescue("download", &err)
	n, err = h.t.WriteTo(w)
	return n, h.failed(lost(err))
}

// ReadFrom uploads what arrives on the data connection. Its end is the end of
// the file: FTP in stream mode has no other (RFC 959, 3.4.1). The system closes all
// connections of a client that dies, in the order in which they were opened: who has
// ended the control connection before the data connection does not wait for an
// answer, and has not finished.
func (h *handle) ReadFrom(r io.Reader) (n int64, err error) {
	defer h.c.rescue("upload", &err)
	n, err = h.t.ReadFrom(r)
	switch {
	case err != nil:
	case n == 0 && !greeted(r):
		err = errNoHello
	case hasEnded(h.c.control.Conn):
		err = errControlEnded
	}
	if err != nil && !connectionLost(err) {
		h.source = r
	}
	return n, h.failed(err)
}

var (
	errControlEnded = fmt.Errorf("the control connection ended before the upload: %w", io.ErrUnexpectedEOF)
	errNoHello      = fmt.Errorf("the data connection ended before TLS began: %w", io.ErrUnexpectedEOF)
	errEndedEarly   = fmt.Errorf("the data connection ended before all was sent: %w", io.ErrUnexpectedEOF)
)

// greeted tells whether the client of a data connection with TLS has begun it. Of one
// that ended before, crypto/tls says what it says of an empty file. Not all clients
// wait for the end of the handshake when they have nothing to send (basic-ftp of npm,
// when it resumes a session).
func greeted(r io.Reader) bool {
	conn, secure := r.(*tls.Conn)
	return !secure || conn.ConnectionState().Version != 0
}

// lost is an error of sending: there, an end is none.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return errEndedEarly
	}
	return err
}

func (h *handle) failed(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if h.cause == nil {
		h.cause = err
	}
	return refuse(err)
}

// TransferError is called by the library before Close when the data connection
// could not be opened or was lost: reset, ABOR, or the end of the control
// connection.
func (h *handle) TransferError(err error) {
	defer h.c.rescue("transfer error", &err)
	if h.cause == nil {
		h.cause = lost(err)
	}
	h.t.TransferError(h.cause)
}

func (h *handle) Close() (err error) {
	h.closing.Do(func() {
		h.c.control.open("") // of a transfer that did not begin, see storeUnique
		defer h.c.transferEnded()
		defer h.c.rescue("close", &err)
		closed := h.t.Close()
		if h.cause == nil {
			h.cause = closed
		}
		h.c.control.conclude(h.cause)
		err = refuse(closed)
		h.discard()
	})
	return err
}

// discard lets the client of an upload that has failed send what it has, so that it
// reads the reply. ABOR, and the end of the session, close the data connection.
func (h *handle) discard() {
	conn, ok := h.source.(interface{ SetReadDeadline(time.Time) error })
	s := h.c.current()
	if !ok || s == nil || hasEnded(h.c.control.Conn) {
		return
	}
	s.Discard(h.c.ctx, h.source, conn.SetReadDeadline)
}
