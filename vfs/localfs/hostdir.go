package localfs

import (
	"context"
	"os"
	"strings"

	"sftpgo/vfs"
)

var _ vfs.Hosted = (*FS)(nil)

// HostDir opens a directory, and no link on the way to it.
func (s *FS) HostDir(ctx context.Context, name string) (*os.File, error) {
	rel, err := s.enter(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	at, err := s.t.root.OpenRoot(".")
	if err != nil {
		return nil, s.t.fail("open", name, err)
	}
	defer func() { at.Close() }()
	for part := range strings.SplitSeq(rel, "/") {
		next, err := descend(at, part)
		if err != nil {
			return nil, s.t.fail("open", name, err)
		}
		at.Close()
		at = next
	}
	dir, err := at.Open(".")
	return dir, s.t.fail("open", name, err)
}

// descend opens an entry that is a directory itself. That what is open is what was
// looked at shows that it was no link at that moment either.
func descend(at *os.Root, part string) (*os.Root, error) {
	seen, err := at.Lstat(part)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, vfs.ErrNotDir
	}
	next, err := at.OpenRoot(part)
	if err != nil {
		return nil, err
	}
	opened, err := next.Stat(".")
	if err == nil && !os.SameFile(seen, opened) {
		err = vfs.ErrBusy
	}
	if err != nil {
		next.Close()
		return nil, err
	}
	return next, nil
}
