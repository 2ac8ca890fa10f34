package session

import (
	"context"
	"errors"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// copyFile copies a file that the rules allow to copy to a name where nothing is.
// may asks that again. r holds what was reserved for it. Nobody sees the copy before
// it is complete, where the storage can; hooks hear of a copy and of no upload.
func (s *Session) copyFile(ctx context.Context, src, dst string, may func() error, r *room) error {
	var f vfs.File
	err := s.steady(may, func() (err error) {
		f, err = s.fs.Open(ctx, src, vfs.Read)
		return err
	})
	if err != nil {
		r.release()
		return err
	}
	defer f.Close() // only read
	from := &Transfer{s: s, name: src, dir: Download, file: f}
	properties, err := s.copies(ctx, src, dst)
	if err != nil {
		r.release()
		return err
	}
	to, err := s.openCopy(ctx, dst, r)
	if err != nil {
		return err
	}
	to.up.properties, to.up.source = properties, src
	n, err := from.copyable(to, 0, 0, 0)
	if err == nil && n > 0 {
		_, err = from.copyRange(ctx, to, 0, n, 0)
	}
	to.TransferError(err)
	return to.Close()
}

// openCopy makes the file to copy to.
func (s *Session) openCopy(ctx context.Context, name string, r *room) (*Transfer, error) {
	const fresh = vfs.Write | vfs.Create | vfs.Truncate | vfs.Excl
	files := r.reserved.Files
	t := s.newCopy(name, r)
	t.up.staged = true
	err := t.open(ctx, fresh|vfs.Atomic)
	if errors.Is(err, vfs.ErrUnsupported) { // the storage publishes at once
		r = &room{quota: r.quota}
		if err := r.cover(dataprovider.Amount{Files: files}); err != nil {
			return nil, refuse("copy to", name, err)
		}
		t = s.newCopy(name, r)
		err = t.open(ctx, fresh)
	}
	if err != nil {
		return nil, err
	}
	s.m.ledger.register(t)
	s.add(t)
	return t, nil
}

func (s *Session) newCopy(name string, r *room) *Transfer {
	up := &upload{
		cut: true, excl: true, quiet: true, room: r, maxSize: s.user.Filters.MaxUploadFileSize,
		id: newTransferID(), length: unknownLength,
	}
	up.touched.Store(true)
	return &Transfer{s: s, name: name, dir: Upload, start: time.Now(), up: up}
}
