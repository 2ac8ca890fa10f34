package sqlstore

import "context"

// Hold keeps the writer from committing anything until the returned function is
// called, so that the files are those of one moment.
func Hold(ctx context.Context, s *Store) (release func()) {
	running, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.writeBeside(ctx, func(*tx) error {
			close(running)
			<-goOn
			return nil
		})
	}()
	<-running
	return func() {
		close(goOn)
		<-ended
	}
}
