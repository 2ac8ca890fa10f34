package session

import (
	"context"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

var noAmount = dataprovider.Amount{}

// Download opens a file for reading, if no hook objects. The event follows at Close,
// whether anything was read or not.
func (s *Session) Download(ctx context.Context, name string) (t *Transfer, err error) {
	err = s.do("download", name, func(name string) error {
		t, err = s.download(ctx, name)
		return err
	})
	return t, err
}

func (s *Session) download(ctx context.Context, name string) (*Transfer, error) {
	if s.m.isDraining() {
		return nil, ErrClosed
	}
	if s.m.journal.backlog() >= maxWaiting {
		return nil, refuse("download", name, vfs.ErrUnavailable) // its event could not be kept
	}
	may := func() error {
		if !s.reaches(dataprovider.PermDownload, name) || !s.contentAllowed(name) {
			return refuse("download", name, vfs.ErrPermission)
		}
		return nil
	}
	if err := may(); err != nil {
		return nil, err
	}
	release, err := s.reserve()
	if err != nil {
		return nil, refuse("download", name, err)
	}
	defer release()
	if err := s.checkDownload(ctx, name); err != nil {
		return nil, err
	}
	t := &Transfer{
		s: s, name: name, dir: Download, start: time.Now(), limit: s.limiterFor(Download), origin: originOf(ctx),
	}
	err = s.steady(may, func() (err error) {
		t.file, err = s.fs.Open(s.ctx, name, vfs.Read) // the file outlives the request
		return err
	})
	if err != nil {
		return nil, err
	}
	s.add(t)
	return t, nil
}
