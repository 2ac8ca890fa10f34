package main

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// senderKey is the attribute that goes to the head of a record: the module,
	// or the type of the record.
	senderKey = "sender"
	// defaultSender is that of records without one.
	defaultSender = "service"
	// senderFailed marks a failed login. fail2ban lives on these records, so they
	// are written at any verbosity.
	senderFailed = "connection_failed"

	logTime = "2006-01-02T15:04:05.000"
)

// logHandler writes a record as one line of JSON: level, time and sender, then
// the attributes in the order in which they were given, then the message unless
// it is empty. Programs match adjacent keys, so the order is part of the format.
// Groups become prefixes ("group.key").
type logHandler struct {
	out    *lineWriter
	level  slog.Level
	clock  string // layout of the time
	sender string
	attrs  []byte // of With, encoded
	prefix string // of WithGroup
}

var _ slog.Handler = (*logHandler)(nil)

// lineWriter keeps lines whole.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func newLogHandler(w io.Writer, level slog.Level) *logHandler {
	return &logHandler{out: &lineWriter{w: w}, level: level, clock: logTime}
}

// Enabled takes records below the level too: their sender decides.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= min(h.level, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	sender := h.senderOf(r)
	if r.Level < h.level && sender != senderFailed {
		return nil
	}
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	line := make([]byte, 0, 256)
	line = append(line, `{"level":"`...)
	line = append(line, levelName(r.Level)...)
	line = append(line, `","time":"`...)
	line = at.Local().AppendFormat(line, h.clock)
	line = append(line, `","sender":`...)
	line = appendText(line, sender)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.prefix, a)
		return true
	})
	if r.Message != "" {
		line = append(line, `,"message":`...)
		line = appendText(line, r.Message)
	}
	line = append(line, "}\n"...)
	_, err := h.out.Write(line)
	return err
}

// senderOf returns the sender that was given last.
func (h *logHandler) senderOf(r slog.Record) string {
	sender := h.sender
	if h.prefix == "" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == senderKey {
				sender = a.Value.Resolve().String()
			}
			return true
		})
	}
	if sender == "" {
		return defaultSender
	}
	return sender
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = bytes.Clone(h.attrs)
	for _, a := range attrs {
		if a.Key == senderKey && h.prefix == "" {
			c.sender = a.Value.Resolve().String()
			continue
		}
		c.attrs = appendAttr(c.attrs, h.prefix, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix = h.prefix + name + "."
	return &c
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	default:
		return "debug"
	}
}

// appendAttr adds an attribute with a comma in front. The sender is in the head
// already.
func appendAttr(line []byte, prefix string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, a := range value.Group() {
			line = appendAttr(line, prefix, a)
		}
		return line
	}
	if a.Key == "" || prefix == "" && a.Key == senderKey {
		return line
	}
	line = append(line, ',')
	line = appendText(line, prefix+a.Key)
	line = append(line, ':')
	return appendValue(line, value)
}

func appendValue(line []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendText(line, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(line, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(line, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(line, v.Bool())
	case slog.KindFloat64:
		if f := v.Float64(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(line, f, 'g', -1, 64)
		}
		return appendText(line, v.String())
	case slog.KindTime:
		return appendText(line, v.Time().Local().Format(logTime))
	case slog.KindAny:
		return appendAny(line, v.Any())
	default: // a duration
		return appendText(line, v.String())
	}
}

// appendAny shows errors and addresses as texts, the rest as JSON. A log line is
// never the reason for a crash.
func appendAny(line []byte, v any) (out []byte) {
	defer func() {
		if p := recover(); p != nil {
			out = appendText(line, fmt.Sprintf("unprintable %T: %v", v, p))
		}
	}()
	switch v := v.(type) {
	case error:
		return appendText(line, v.Error())
	case json.Marshaler, encoding.TextMarshaler:
	case fmt.Stringer:
		return appendText(line, v.String())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return appendText(line, fmt.Sprintf("%+v", v))
	}
	return append(line, bytes.TrimSpace(b.Bytes())...)
}

// appendText adds a JSON string. Whatever clients send, a record stays one line
// of valid UTF-8; < > & are left alone.
func appendText(line []byte, s string) []byte {
	const hex = "0123456789abcdef"
	line = append(line, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			line = append(line, '\\', c)
		case c == '\n':
			line = append(line, `\n`...)
		case c == '\r':
			line = append(line, `\r`...)
		case c == '\t':
			line = append(line, `\t`...)
		case c < ' ' || c == 0x7f:
			line = append(line, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			line = appendRune(line, r, s[i:i+size])
			i += size
			continue
		default:
			line = append(line, c)
		}
		i++
	}
	return append(line, '"')
}

// appendRune keeps what is valid. U+2028 and U+2029 end lines for some readers,
// C1 controls steer terminals.
func appendRune(line []byte, r rune, raw string) []byte {
	if r == utf8.RuneError && len(raw) == 1 {
		return append(line, `\ufffd`...)
	}
	if r == 0x2028 || r == 0x2029 || r < 0xa0 {
		return fmt.Appendf(line, `\u%04x`, r)
	}
	return append(line, raw...)
}
