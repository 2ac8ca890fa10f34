package session

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sftpgo/vfs"
)

// do runs one operation: it parses the name, refuses when the session has
// ended, and writes the one log line of a failure.
func (s *Session) do(op, raw string, f func(name string) error) error {
	err := s.alive()
	if err == nil {
		var name string
		if name, err = parse(op, raw); err == nil {
			err = f(name)
		}
	}
	s.failed(op, raw, err)
	return err
}

// alive notes a sign of life, or tells that the session has ended.
func (s *Session) alive() error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	s.Touch()
	return nil
}

func parse(op, raw string) (string, error) { return parseIn(op, "/", raw) }

func parseIn(op, dir, raw string) (string, error) {
	name, err := vfs.ParseName(dir, raw)
	if err != nil {
		return "", fmt.Errorf("%s %q: %w", op, shorten(raw), err)
	}
	return name, nil
}

// refuse is the error of an operation that the rules forbid.
func refuse(op, name string, err error) error {
	return fmt.Errorf("%s %q: %w", op, name, err)
}

// failed logs why an operation was refused or failed. A question for something
// that is not there is not worth more than a debug line.
func (s *Session) failed(op, raw string, err error) {
	if err == nil {
		return
	}
	level := slog.LevelInfo
	switch {
	case errors.Is(err, vfs.ErrNotExist), errors.Is(err, ErrClosed):
		level = slog.LevelDebug
	case errors.Is(err, vfs.ErrPermission), errors.Is(err, vfs.ErrName), errors.Is(err, ErrQuota):
		level = slog.LevelWarn
	}
	s.log.Log(s.ctx, level, op+" failed", "virtual_path", shorten(raw), "error", err.Error())
}

// shorten keeps hostile names from flooding the log.
func shorten(raw string) string {
	const limit = 512
	if len(raw) <= limit {
		return raw
	}
	return strings.ToValidUTF8(raw[:limit], "") + "…"
}

// command writes the log record of a change that is no transfer. The keys and
// their order are what log parsers of this field rely on; new ones go to the
// end.
func (s *Session) command(sender, name, target string, c change) {
	at := operands{name: name, target: target, path: s.path(name)}
	if target != "" {
		at.targetPath = s.path(target)
	}
	s.record(sender, at, "", c)
}

// operands are what a command worked on, as the client sees it and as the log
// shows it.
type operands struct{ name, target, path, targetPath string }

// record is command for any form of the paths. line is what an SSH command was.
func (s *Session) record(sender string, at operands, line string, c change) {
	s.m.log.LogAttrs(s.ctx, slog.LevelInfo, "",
		slog.String("sender", sender),
		slog.String("username", s.user.Username),
		slog.String("file_path", at.path),
		slog.String("target_path", at.targetPath),
		slog.String("filemode", c.mode),
		slog.Int("uid", c.uid),
		slog.Int("gid", c.gid),
		slog.String("access_time", stamp(c.atime)),
		slog.String("modification_time", stamp(c.mtime)),
		slog.Int64("size", c.size),
		slog.String("ssh_command", line),
		slog.String("connection_id", s.peer.ID),
		slog.String("protocol", s.peer.Protocol),
		slog.String("remote_addr", s.remote),
		slog.String("virtual_path", at.name),
		slog.String("virtual_target_path", at.target),
	)
}

// change is what a command record tells beyond the names.
type change struct {
	mode         string
	uid, gid     int
	atime, mtime time.Time
	size         int64
}

func noChange() change { return change{uid: -1, gid: -1, size: -1} }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02T15:04:05")
}
