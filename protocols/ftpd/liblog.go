package ftpd

import (
	"context"
	"log/slog"
)

// oneLower writes the records of the library one level lower: what it calls an
// error is mostly a client that has gone, and it greets each listener with an
// info line.
type oneLower struct{ slog.Handler }

const step = slog.LevelInfo - slog.LevelDebug

func (h oneLower) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, l-step)
}

func (h oneLower) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= step
	return h.Handler.Handle(ctx, r)
}

func (h oneLower) WithAttrs(a []slog.Attr) slog.Handler { return oneLower{h.Handler.WithAttrs(a)} }

func (h oneLower) WithGroup(name string) slog.Handler { return oneLower{h.Handler.WithGroup(name)} }
