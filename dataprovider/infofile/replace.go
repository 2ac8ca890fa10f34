package infofile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tempLetters is the most that os.CreateTemp puts for the star, and tempMark.
const (
	tempMark    = ".new"
	tempLetters = len(tempMark) + 11
)

// abandoned is how old a temporary file is whose process has died.
const abandoned = time.Hour

// replace puts a record into place in one step: readers see the old one or the
// new one, and so does the next start.
func (s *Store) replace(name string, text []byte) (err error) {
	f, err := os.CreateTemp(s.cfg.Dir, "."+name+".*"+tempMark)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil && s.cfg.Durability == Synced {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.path(name)); err != nil {
		return err
	}
	if s.cfg.Durability == Synced {
		return syncDir(s.cfg.Dir)
	}
	return nil
}

// Sweep removes what processes that were killed left behind half written.
func (s *Store) Sweep() error {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), tempMark) {
			continue
		}
		info, err := e.Info()
		if err != nil || s.cfg.Now().Sub(info.ModTime()) < abandoned {
			continue // gone meanwhile, or somebody's at work
		}
		errs = append(errs, os.Remove(filepath.Join(s.cfg.Dir, e.Name())))
	}
	return errors.Join(errs...)
}
