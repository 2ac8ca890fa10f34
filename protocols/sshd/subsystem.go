package sshd

import (
	"io"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/sftp"
)

// ServeSubsystem answers SFTP on rw, behind the SSH server of somebody else that
// has logged the client in and started this process for it. It returns nil when
// the client ends the stream, else what broke it. It closes neither rw nor s, but
// leaves no transfer open. One process serves one stream.
func ServeSubsystem(rw io.ReadWriteCloser, s *session.Session) error {
	var srv sftp.Server
	return srv.Serve(s.Context(), rw, s, "") // clients talk to OpenSSH, and behave so
}
