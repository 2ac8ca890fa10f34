package session

import (
	"context"
	"errors"

	"sftpgo/vfs"
)

// Sync flushes what was written to where it survives a loss of power
// (fsync@openssh.com). Of a staged upload that is the staged file: its name comes
// at Close. A failure fails the transfer, since nobody knows what was lost.
func (t *Transfer) Sync(ctx context.Context) error {
	err := t.check()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = t.sync()
	}
	t.s.failed("sync", t.Name(), err)
	return err
}

func (t *Transfer) sync() error {
	f, ok := vfs.As[vfs.Syncer](t.file)
	if !ok {
		return refuse("sync", t.Name(), vfs.ErrUnsupported)
	}
	_, err := t.piece(func() (int, error) { return 0, f.Sync() })
	t.s.Touch()
	if err != nil && !errors.Is(err, ErrClosed) {
		t.TransferError(err)
	}
	return err
}
