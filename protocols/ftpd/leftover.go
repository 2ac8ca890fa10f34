package ftpd

import (
	"context"
	"io"
	"time"
)

// What is still read of an upload that has failed, before its data connection is
// closed.
const (
	leftoverBytes = 256 << 20
	leftoverTime  = 2 * time.Minute
	leftoverIdle  = 30 * time.Second
)

// leftover is the data connection of an upload that has failed while the client was
// sending. Closed at once it would be reset, and most clients take that for a broken
// network and never read the reply that says why.
type leftover struct {
	io.Reader
	deadline interface{ SetReadDeadline(time.Time) error } // nil: none can be set
	until    time.Time
}

func newLeftover(r io.Reader) *leftover {
	l := &leftover{Reader: r, until: time.Now().Add(leftoverTime)}
	l.deadline, _ = r.(interface{ SetReadDeadline(time.Time) error })
	return l
}

// Read waits for a client that has stopped sending only so long.
func (l *leftover) Read(p []byte) (int, error) {
	if l.deadline != nil {
		next := time.Now().Add(leftoverIdle)
		if l.until.Before(next) {
			next = l.until
		}
		if err := l.deadline.SetReadDeadline(next); err != nil {
			return 0, err
		}
	}
	return l.Reader.Read(p)
}

// discard reads to the end of what the client sends, within bounds. ABOR, the end of
// the session and that of the control connection close the data connection, and so
// end it.
func (h *handle) discard() {
	if h.source == nil || hasEnded(h.c.control.Conn) {
		return
	}
	l := newLeftover(h.source)
	ctx, cancel := context.WithDeadline(h.c.ctx, l.until)
	defer cancel()
	h.t.Discard(ctx, l, leftoverBytes)
}
