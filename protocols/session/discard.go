package session

import (
	"context"
	"io"
	"time"
)

// What is still read of an upload that has failed.
const (
	discardBytes = 256 << 20
	discardTime  = 2 * time.Minute
	discardIdle  = 30 * time.Second
)

// Discard reads what a client still sends for an upload that has failed, and drops
// it. Closed at once the connection would be reset, and clients that only write until
// they are through (curl over FTP, ftplib, http.client of Python) take that for a
// broken network and never read the answer that says why.
//
// It ends with r, ctx or the session, with a client that has stopped sending, and
// after an amount and a time that leave a hostile one nothing to gain; deadline sets
// the time at which a Read of r fails. The bandwidth limit of the user holds. What is
// read counts nowhere and is no sign of life.
func (s *Session) Discard(ctx context.Context, r io.Reader, deadline func(time.Time) error) {
	until := time.Now().Add(discardTime)
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	limit := s.limiterFor(Upload)
	buf := s.m.buffers.get()
	defer s.m.buffers.put(buf)
	p := *buf
	if limit != nil {
		p = p[:min(len(p), limit.Burst())]
	}
	for left := discardBytes; left > 0; {
		next := time.Now().Add(discardIdle)
		if until.Before(next) {
			next = until
		}
		if deadline(next) != nil {
			return
		}
		// Whoever wakes the reader by a deadline of its own has ended the session before,
		// and must not have been overruled.
		if s.ctx.Err() != nil || ctx.Err() != nil {
			_ = deadline(time.Unix(1, 0))
			return
		}
		n, err := r.Read(p)
		left -= n
		if err != nil || throttle(ctx, limit, n) != nil {
			return
		}
	}
}
