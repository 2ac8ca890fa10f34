package main

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// journalSocket is where journald takes records, see "Native Journal Protocol"
	// in the documentation of systemd.
	journalSocket = "/run/systemd/journal/socket"
	// journalLimit is the longest text of a record; a datagram takes more on every
	// system.
	journalLimit = 48 << 10
)

// journal sends records to journald. It is safe for concurrent use.
type journal struct {
	path string
	mu   sync.Mutex
	conn net.Conn
}

// openJournal connects to journald. The caller closes the journal.
func openJournal(path string) (*journal, error) {
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return nil, err
	}
	return &journal{path: path, conn: conn}, nil
}

// send sends one line. When journald was restarted, it connects again.
func (j *journal) send(priority byte, line []byte) error {
	line = line[:min(len(line), journalLimit)]
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	record := append([]byte("SYSLOG_IDENTIFIER=sftpgo\nPRIORITY="), priority, '\n')
	record = append(append(record, "MESSAGE="...), line...)
	record = append(record, '\n')
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := j.conn.Write(record)
	if err == nil {
		return nil
	}
	conn, err := net.Dial("unixgram", j.path)
	if err != nil {
		return err
	}
	_ = j.conn.Close() // it was of no use any more
	j.conn = conn
	_, err = conn.Write(record)
	return err
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.conn.Close() // each record was sent on its own
}

// priority is the Writer of records of one syslog priority.
type priority struct {
	journal *journal
	code    byte
}

func (p priority) Write(line []byte) (int, error) {
	if err := p.journal.send(p.code, line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// journalHandler gives each record the priority of its level; the text is the
// same line as elsewhere.
type journalHandler struct {
	levels [4]slog.Handler // debug, info, warn, error
}

var _ slog.Handler = (*journalHandler)(nil)

func newJournalHandler(j *journal, level slog.Level) *journalHandler {
	h := &journalHandler{}
	for i, code := range []byte("7643") {
		lines := newLogHandler(priority{j, code}, level)
		lines.clock = time.RFC3339
		h.levels[i] = lines
	}
	return h
}

// Enabled implements slog.Handler.
func (h *journalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.levels[0].Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	i := 0
	for i < len(h.levels)-1 && r.Level >= slog.LevelInfo+slog.Level(4*i) {
		i++
	}
	return h.levels[i].Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.each(func(l slog.Handler) slog.Handler { return l.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *journalHandler) WithGroup(name string) slog.Handler {
	return h.each(func(l slog.Handler) slog.Handler { return l.WithGroup(name) })
}

func (h *journalHandler) each(f func(slog.Handler) slog.Handler) slog.Handler {
	c := &journalHandler{}
	for i, l := range h.levels {
		c.levels[i] = f(l)
	}
	return c
}
