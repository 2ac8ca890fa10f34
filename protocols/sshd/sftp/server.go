// Package sftp answers SFTP version 3 requests (draft-ietf-secsh-filexfer-02
// and extensions) from a session. It translates; it has no policy of its own.
//
// # What runs where, and in which order
//
// One loop per client reads packets. It carries out READ, WRITE and FSTAT itself,
// straight between its buffers and the file, and collects the replies, so that a
// client that sends many requests at a time gets many replies at a time. All that
// may take longer (names, directories, the CLOSE of an upload that asks a hook)
// runs in the lane: one goroutine, there while it has something to do, that takes
// requests in the order in which they came. So replies may leave in another order
// than that of the requests; the id tells which is which (draft 02, section 6.1).
// What clients may count on:
//
//   - Requests on one handle are carried out in their order: WRITEs before the
//     CLOSE that follows them, and an FSETSTAT before later WRITEs. If one waits in
//     the lane, the later ones do too.
//   - Requests by name are carried out in their order.
//   - A request by name sees what the WRITEs before it wrote.
//   - A request by name that has not been answered may see what later READs and
//     WRITEs on handles do.
//
// A client that does not read its replies is not read from any more. What a
// session holds then is bounded: one buffer of packets, one of replies for the loop
// and for the lane each, and what waits in the lane.
package sftp

import (
	"context"
	"fmt"
	"io"

	"sftpgo/protocols/session"
)

// Server serves SFTP sessions. The zero value is ready; it is safe for
// concurrent use.
type Server struct {
	buffers buffers
}

// Serve answers the requests on rw, of a client with that SSH version line, until
// the client ends the stream, which is nil, or breaks it or the protocol
// (ErrPacket). ctx ends when nobody waits for answers any more, which may be long
// before the last request has been read: what takes minutes ends then. It closes
// neither rw nor s, but leaves no transfer open.
func (srv *Server) Serve(ctx context.Context, rw io.ReadWriteCloser, s *session.Session, client string) error {
	if err := newConn(rw, s, client, &srv.buffers).serve(ctx); !ended(err) {
		return fmt.Errorf("sftp: %w", err)
	}
	return nil
}
