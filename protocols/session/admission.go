package session

import (
	"context"

	"sftpgo/actions"
)

// admit asks whether a new upload may begin, while too many events wait for a hook
// that would be told of it. It may take seconds.
func (s *Session) admit(ctx context.Context, name string) error {
	a, ok := s.m.journal.hooks.(actions.Admitter)
	if !ok {
		return nil
	}
	return a.Admit(ctx, func() actions.Event { return s.event(ctx, actions.UploadDone, name) })
}
