package localfs

import (
	"context"

	"sftpgo/vfs"
)

// Space returns the capacity of the file system that holds name.
func (s *FS) Space(ctx context.Context, name string) (vfs.Space, error) {
	rel, err := s.enter(ctx, "space", name)
	if err != nil {
		return vfs.Space{}, err
	}
	// The directory answers for the file in it, whatever the file is.
	at, found, err := s.t.follow(rel)
	switch {
	case err != nil:
		return vfs.Space{}, s.t.fail("space", name, err)
	case found == nil:
		return vfs.Space{}, refuse("space", name, vfs.ErrNotExist, "")
	case !found.IsDir():
		at, _ = split(at)
	}
	d, err := s.t.root.Open(at + "/.")
	if err != nil {
		return vfs.Space{}, s.t.fail("space", name, err)
	}
	defer d.Close()
	space, err := spaceOf(d)
	return space, s.t.fail("space", name, err)
}
