package sftp

import (
	"errors"
	"io"

	"github.com/pkg/sftp"

	"sftpgo/protocols"
)

// statusError is an error that pkg/sftp sends as is. The library finds the code
// by errors.As and takes the text from Error.
type statusError struct {
	code error // one of sftp.ErrSSHFx...
	text string
}

func (e *statusError) Error() string { return e.text }
func (e *statusError) Unwrap() error { return e.code }

var (
	errInternal   = &statusError{sftp.ErrSSHFxFailure, "internal error"}
	errBadMessage = &statusError{sftp.ErrSSHFxBadMessage, "bad message"}
	errListings   = &statusError{sftp.ErrSSHFxFailure, "too many open directories"}
)

// answer returns what the client is told about err: nil, io.EOF or a
// statusError. The session has logged the rest.
func answer(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var ready *statusError
	if errors.As(err, &ready) {
		return ready
	}
	st := protocols.StatusOf(err)
	return &statusError{code(st.SFTP), st.Text}
}

func code(status uint32) error {
	switch status {
	case protocols.SFTPNoSuchFile:
		return sftp.ErrSSHFxNoSuchFile
	case protocols.SFTPPermissionDenied:
		return sftp.ErrSSHFxPermissionDenied
	case protocols.SFTPBadMessage:
		return sftp.ErrSSHFxBadMessage
	case protocols.SFTPConnectionLost:
		return sftp.ErrSSHFxConnectionLost
	case protocols.SFTPOpUnsupported:
		return sftp.ErrSSHFxOpUnsupported
	}
	return sftp.ErrSSHFxFailure
}
