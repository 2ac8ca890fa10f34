package protocols

import (
	"context"
	"errors"
	"net/http"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// The status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7).
const (
	SFTPOK               = 0
	SFTPEOF              = 1
	SFTPNoSuchFile       = 2
	SFTPPermissionDenied = 3
	SFTPFailure          = 4
	SFTPBadMessage       = 5
	SFTPConnectionLost   = 7
	SFTPOpUnsupported    = 8
)

// StatusClientClosed is what the log shows for a request whose client has gone.
const StatusClientClosed = 499

// StatusChecksumMismatch is what tus answers to data that do not have the checksum
// (extension checksum).
const StatusChecksumMismatch = 460

// Status is the answer to a client, per protocol. Text is safe to send: it never
// holds a path of the host or the message of a backend. That of a refusal by a hook is
// what the hook said, in one line.
type Status struct {
	Name string // of the row, for logs and tests
	SFTP uint32
	FTP  int
	HTTP int
	Text string
}

type row struct {
	err error
	Status
}

// rows is walked from the top; the first error that matches decides. More
// particular errors stand above the general ones they may wrap.
func rows() []row {
	return []row{
		{context.Canceled, Status{"canceled", SFTPConnectionLost, 426, StatusClientClosed, "aborted"}},
		{session.ErrClosed, Status{"closed", SFTPConnectionLost, 421, http.StatusServiceUnavailable, "session closed by the server"}},
		{actions.ErrUnanswered, Status{"unanswered", SFTPFailure, 451, http.StatusInternalServerError, "refused for want of an answer from a hook, try again later"}},
		{actions.ErrDenied, Status{"denied", SFTPPermissionDenied, 550, http.StatusForbidden, "refused by policy"}},
		{actions.ErrOverloaded, Status{"overloaded", SFTPFailure, 452, http.StatusInsufficientStorage, "server busy, try again later"}},
		{session.ErrGone, Status{"gone", SFTPNoSuchFile, 550, http.StatusGone, "the upload is gone"}},
		{session.ErrTooLarge, Status{"too large", SFTPFailure, 552, http.StatusRequestEntityTooLarge, "more data than the upload has room for"}},
		{session.ErrDigest, Status{"digest", SFTPFailure, 550, StatusChecksumMismatch, "the data do not have the digest"}},
		{session.ErrMetadata, Status{"metadata", SFTPFailure, 501, http.StatusBadRequest, "malformed metadata"}},
		{session.ErrNotPart, Status{"not part", SFTPFailure, 550, http.StatusBadRequest, "the upload is not partial"}},
		{session.ErrIncomplete, Status{"incomplete", SFTPFailure, 550, http.StatusBadRequest, "the upload is not complete"}},
		{session.ErrQuota, Status{"quota", SFTPFailure, 552, http.StatusInsufficientStorage, "quota exceeded"}},
		{vfs.ErrNoSpace, Status{"no space", SFTPFailure, 552, http.StatusInsufficientStorage, "no space left on storage"}},
		{vfs.ErrName, Status{"name", SFTPFailure, 553, http.StatusBadRequest, "name not allowed"}},
		{session.ErrSessions, Status{"sessions", SFTPFailure, 421, http.StatusServiceUnavailable, "too many sessions"}},
		{session.ErrTooMany, Status{"too many", SFTPFailure, 450, http.StatusServiceUnavailable, "too many open files"}},
		{vfs.ErrIsDir, Status{"is dir", SFTPFailure, 550, http.StatusConflict, "is a directory"}},
		{vfs.ErrNotDir, Status{"not dir", SFTPFailure, 550, http.StatusConflict, "not a directory"}},
		{vfs.ErrNotEmpty, Status{"not empty", SFTPFailure, 550, http.StatusConflict, "directory not empty"}},
		{vfs.ErrBusy, Status{"busy", SFTPFailure, 450, http.StatusLocked, "in use"}},
		{vfs.ErrUnsupported, Status{"unsupported", SFTPOpUnsupported, 502, http.StatusNotImplemented, "operation not supported"}},
		{vfs.ErrUnavailable, Status{"unavailable", SFTPFailure, 451, http.StatusServiceUnavailable, "storage unavailable, try again later"}},
		{dataprovider.ErrUnavailable, Status{"store unavailable", SFTPFailure, 451, http.StatusServiceUnavailable, "server unavailable, try again later"}},
		{vfs.ErrNotExist, Status{"not exist", SFTPNoSuchFile, 550, http.StatusNotFound, "no such file or directory"}},
		{vfs.ErrExist, Status{"exist", SFTPFailure, 550, http.StatusPreconditionFailed, "already exists"}},
		{vfs.ErrPermission, Status{"permission", SFTPPermissionDenied, 550, http.StatusForbidden, "permission denied"}},
	}
}

// StatusOf returns the answer for err. An error that the table does not know is
// an internal one; its text stays in the log.
func StatusOf(err error) Status {
	if err == nil {
		return Status{"ok", SFTPOK, 226, http.StatusOK, "OK"}
	}
	for _, r := range rows() {
		if errors.Is(err, r.err) {
			return r.Status.adapt(err)
		}
	}
	return Status{"internal", SFTPFailure, 451, http.StatusInternalServerError, "internal error"}
}
