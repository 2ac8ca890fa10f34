package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sftpgo/dataprovider"
)

// fileLock is a lock between processes. It dies with the process that holds it.
type fileLock struct{ f *os.File }

// errHeld: another process has the lock.
var errHeld = fmt.Errorf("%w: in use by another sftpgo process", dataprovider.ErrUnavailable)

// lockFile takes the lock, or returns errHeld. The file stays behind: to remove it
// would let two processes lock two files of the same name.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: lock: %w", dataprovider.ErrUnavailable, err)
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileLock{f}, nil
}

// waitLock tries until ctx is done or stop says so.
func waitLock(ctx context.Context, path string, stop func() (bool, error)) (*fileLock, error) {
	for {
		l, err := lockFile(path)
		if !errors.Is(err, errHeld) {
			return l, err
		}
		stopped, stopErr := stop()
		if ctx.Err() != nil {
			return nil, err // says more than the end of the question does
		}
		if stopped || stopErr != nil {
			return nil, stopErr
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// release is safe on nil.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}
