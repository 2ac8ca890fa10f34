package session

import (
	"context"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Mkdir makes one directory.
func (s *Session) Mkdir(ctx context.Context, name string) error {
	return s.do("mkdir", name, func(name string) error {
		if name == "/" {
			return refuse("mkdir", name, vfs.ErrExist)
		}
		may := func() error {
			if !s.allowed(dataprovider.PermCreateDirs, name) {
				return refuse("mkdir", name, vfs.ErrPermission)
			}
			return nil
		}
		if err := may(); err != nil {
			return err
		}
		if err := s.turn(may, func() error { return s.fs.Mkdir(ctx, name) }); err != nil {
			return err
		}
		s.forget(ctx, name)
		s.command("Mkdir", name, "", noChange())
		return nil
	})
}
