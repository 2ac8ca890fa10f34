package session

import (
	"context"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

const (
	blockSize = 4096
	nameMax   = 255
)

// Space tells how much room the user has: what the quota leaves, where there is
// one, else what the storage has. vfs.ErrUnsupported means that neither knows.
func (s *Session) Space(ctx context.Context, name string) (space vfs.Space, err error) {
	err = s.do("space", name, func(name string) error {
		if !s.reaches(dataprovider.PermList, name) {
			return refuse("space", name, vfs.ErrPermission)
		}
		q := s.account.quota
		m, ok := vfs.As[vfs.Measurer](s.fs)
		if !ok && !q.limited() {
			return refuse("space", name, vfs.ErrUnsupported)
		}
		if ok {
			if space, err = m.Space(ctx, name); err != nil {
				return err
			}
		}
		if err := q.refresh(ctx); err != nil {
			return err
		}
		q.apply(&space)
		if space.BlockSize == 0 {
			space.BlockSize = blockSize
		}
		if space.NameMax == 0 {
			space.NameMax = nameMax
		}
		return nil
	})
	return space, err
}

// apply lets the limits stand in for the size of the storage.
func (q *quota) apply(space *vfs.Space) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if limit := q.maxBytes.Load(); limit > 0 {
		space.Total = uint64(limit)
		space.Free = uint64(max(0, limit-q.used.Bytes))
		space.Avail = space.Free
	}
	if limit := q.maxFiles.Load(); limit > 0 {
		space.Files = uint64(limit)
		space.FilesFree = uint64(max(0, limit-q.used.Files))
		space.FilesAvail = space.FilesFree
	}
}
