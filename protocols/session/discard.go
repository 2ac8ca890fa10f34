package session

import (
	"context"
	"io"
)

// Discard reads what a client still sends for an upload that has failed, and drops
// it: clients that only write until they are through (curl over FTP, ftplib, the
// http package of Python) never read the answer if the connection is closed under
// them. It takes limit bytes at most, at the bandwidth limit of the user, and ends
// with r, ctx or the session. What it reads is counted nowhere, and is no sign of
// life.
func (t *Transfer) Discard(ctx context.Context, r io.Reader, limit int64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.s.ctx, cancel)()
	buf := t.s.m.buffers.get()
	defer t.s.m.buffers.put(buf)
	size := min(t.pieceLimit(), bufferSize)
	for limit > 0 && ctx.Err() == nil {
		n, err := r.Read((*buf)[:min(size, limit)])
		limit -= int64(n)
		if err != nil || throttle(ctx, t.limit, n) != nil {
			return
		}
	}
}
