package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"gopkg.in/natefinch/lumberjack.v2"
)

// logMode lets a group read the log: it holds names of users and files.
const logMode = 0o640

// logOutput is where log records go: a file that is rotated, a file that cannot
// be (/dev/stderr, a pipe), or standard output.
type logOutput struct {
	io.Writer
	rotated *lumberjack.Logger
	closer  io.Closer
}

// rotator is what SIGUSR1 acts on.
type rotator interface{ Rotate() error }

var _ rotator = (*logOutput)(nil)

// newLogger opens the log. dir is the configuration directory. A log that cannot
// be written is an error. The caller closes the output, as the last thing.
func newLogger(flags logFlags, dir string, stdout io.Writer) (*slog.Logger, *logOutput, error) {
	if err := flags.validate(); err != nil {
		return nil, nil, err
	}
	out, err := openLog(flags, dir, stdout)
	if err != nil {
		return nil, nil, fmt.Errorf("log file: %w", err)
	}
	level := slog.LevelInfo
	if flags.verbose {
		level = slog.LevelDebug
	}
	return slog.New(newLogHandler(out, level)), out, nil
}

func openLog(flags logFlags, dir string, stdout io.Writer) (*logOutput, error) {
	if flags.path == "" {
		return &logOutput{Writer: stdout}, nil
	}
	path := flags.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, logMode)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if !info.Mode().IsRegular() {
		return &logOutput{Writer: file, closer: file}, nil
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	rotated := &lumberjack.Logger{
		Filename: path, MaxSize: flags.maxSize, MaxBackups: flags.maxBackups, MaxAge: flags.maxAge, Compress: flags.compress,
	}
	return &logOutput{Writer: rotated, rotated: rotated, closer: rotated}, nil
}

// Rotate moves the log file away and begins a new one.
func (o *logOutput) Rotate() error {
	if o.rotated == nil {
		return errors.New("rotate log: it is not a file")
	}
	if err := o.rotated.Rotate(); err != nil {
		return fmt.Errorf("rotate log: %w", err)
	}
	// Another program may have moved the file, then the new one has no example for
	// its mode.
	if err := os.Chmod(o.rotated.Filename, logMode); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rotate log: %w", err)
	}
	return nil
}

// Close ends the log file; standard output stays open.
func (o *logOutput) Close() error {
	if o.closer == nil {
		return nil
	}
	return o.closer.Close()
}
