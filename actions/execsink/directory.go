package execsink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sftpgo/actions"
)

// argumentLimit is how long a body may be as an argument. Linux takes 128 KiB in
// one; a longer one is only on standard input.
const argumentLimit = 100 << 10

// IsDirectory reports whether path is a directory, for which NewDirectory makes the
// sink.
func IsDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// NewDirectory returns a sink for the programs in a directory: each event is for the
// one that has its name in the dialect, without an extension. Its only argument is
// the body, or "-" if that is longer than 100 KiB.
func NewDirectory(path string, f actions.Format, cfg Config) (*Sink, error) {
	if !filepath.IsAbs(path) || !IsDirectory(path) {
		return nil, fmt.Errorf("hook %q is not the absolute path of a directory", path)
	}
	s, err := newSink(path, f, cfg)
	if err == nil {
		s.dir = true
	}
	return s, err
}

// Program is what is run for a call, and its arguments. No path and no error: nobody
// needs to be told.
func (s *Sink) Program(call actions.Call) (path string, args []string, err error) {
	if !s.dir {
		return s.path, call.Args, nil
	}
	name := call.Name
	if name == "" && len(call.Args) > 0 {
		name = call.Args[0] // the dialect has no name beside the first argument
	}
	if name == "" || name != filepath.Base(name) {
		return "", nil, fmt.Errorf("no program can have the name of the event, %q", name)
	}
	path = filepath.Join(s.path, name)
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist) && s.cfg.Missing == MissingAccepts:
		return "", nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("%w: hook file %s not found", actions.ErrRejected, name)
	}
	argument := strings.TrimSuffix(string(call.Body), "\n")
	if len(argument) > argumentLimit {
		argument = "-"
	}
	return path, []string{argument}, nil
}
