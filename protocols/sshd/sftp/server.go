// Package sftp answers SFTP version 3 requests (draft-ietf-secsh-filexfer-02
// and the extensions of OpenSSH) from a session. It translates; it has no
// policy of its own.
package sftp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/pkg/sftp"

	"sftpgo/protocols/session"
)

const (
	// maxData is the most that one READ returns and one WRITE may carry:
	// OpenSSH's sftp-server announces the same.
	maxData = 255 << 10
	// maxPacket is the longest packet that pkg/sftp accepts.
	maxPacket = 256 << 10
	// maxHandles is what limits@openssh.com announces. The session has the last
	// word on open files; listings are counted here.
	maxHandles = 1024
	// maxListings bounds the directories that one client holds open; each costs
	// a directory handle and a coroutine.
	maxListings = 128
	// pooled is how many sessions at a time recycle their packet buffers, which
	// saves a third of the processor time. Each keeps 6 MiB of them until it ends,
	// so further sessions allocate per packet instead.
	pooled = 16
)

// Server serves SFTP sessions. The zero value is ready; it is safe for
// concurrent use.
type Server struct {
	pools atomic.Int32
}

// Serve answers the requests on rw until the client ends the stream, which is
// nil, or breaks it or the protocol. It closes neither rw nor s, but leaves no
// transfer open.
func (srv *Server) Serve(rw io.ReadWriteCloser, s *session.Session) (err error) {
	h := &handlers{s: s, log: s.Log()}
	options := []sftp.RequestServerOption{sftp.WithRSMaxTxPacket(maxData)}
	if srv.pools.Add(1) <= pooled {
		options = append(options, sftp.WithRSAllocator())
	}
	defer srv.pools.Add(-1)

	stream := newShim(rw)
	stream.check = func(op, name string) error { return s.CheckName(op, "/", name) }
	rs := sftp.NewRequestServer(stream, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}, options...)
	err = rs.Serve()
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sftp: %w", err)
	}
	return nil
}

// handlers is what pkg/sftp calls for one session.
type handlers struct {
	s        *session.Session
	log      *slog.Logger
	listings atomic.Int32
}

var (
	_ sftp.FileReader           = (*handlers)(nil)
	_ sftp.OpenFileWriter       = (*handlers)(nil)
	_ sftp.PosixRenameFileCmder = (*handlers)(nil)
	_ sftp.StatVFSFileCmder     = (*handlers)(nil)
	_ sftp.LstatFileLister      = (*handlers)(nil)
	_ sftp.RealPathFileLister   = (*handlers)(nil)
	_ sftp.ReadlinkFileLister   = (*handlers)(nil)
)

// guard is deferred by everything that pkg/sftp calls on its own goroutines: a
// panic there fails one request, not the process. It also turns the error into
// the form that goes out.
func (h *handlers) guard(op, name string, err *error) {
	if r := recover(); r != nil {
		h.log.Error("panic", "operation", op, "path", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = errInternal
		return
	}
	*err = answer(*err)
}
