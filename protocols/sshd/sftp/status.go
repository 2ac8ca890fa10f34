package sftp

import (
	"errors"
	"io"

	"sftpgo/protocols"
)

// statusError is an answer that is not in the table of failures.
type statusError struct {
	code uint32
	text string
}

func (e *statusError) Error() string { return e.text }

var (
	errInternal   = &statusError{protocols.SFTPFailure, "internal error"}
	errBadMessage = &statusError{protocols.SFTPBadMessage, "bad message"}
	errHandle     = &statusError{protocols.SFTPFailure, "invalid handle"}
	// errLogin is about accounts that may exist or not.
	errLogin = &statusError{protocols.SFTPFailure, "unknown user"}
)

// fail is the reply to what did not work. The session has logged the rest.
func (b *batch) fail(id uint32, err error) error {
	if errors.Is(err, io.EOF) {
		return b.status(id, protocols.SFTPEOF, "end of file")
	}
	var ready *statusError
	if errors.As(err, &ready) {
		return b.status(id, ready.code, ready.text)
	}
	st := protocols.StatusOf(err)
	return b.status(id, st.SFTP, st.Text)
}
