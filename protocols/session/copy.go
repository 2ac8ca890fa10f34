package session

import (
	"context"

	"sftpgo/vfs"
)

// Copy copies one file through the server: a download and an upload, with the
// rules and events of both. An existing target is overwritten.
func (s *Session) Copy(ctx context.Context, src, dst string) error {
	from, err := s.Download(ctx, src)
	if err != nil {
		return err
	}
	to, err := s.Upload(ctx, dst, vfs.Write|vfs.Create|vfs.Truncate)
	if err != nil {
		from.TransferError(err)
		_ = from.Close() // err tells more
		return err
	}
	if _, err = to.ReadFrom(from); err != nil {
		from.TransferError(err)
		to.TransferError(err)
	}
	if cerr := from.Close(); err == nil && cerr != nil {
		to.TransferError(cerr)
		err = cerr
	}
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}
