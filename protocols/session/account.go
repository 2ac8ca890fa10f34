package session

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"sftpgo/dataprovider"
)

// account is what all sessions of one user share: limits, quota and bandwidth.
// The counters are changed under Manager.mu.
type account struct {
	name     string
	sessions int // counted against max_sessions
	refs     int // sessions, parked ones included
	up, down *rate.Limiter
	quota    *quota
}

// quota keeps parallel uploads of one user below the limits. What is stored is
// read from the store; what running uploads will add is reserved here, so that
// the sum never passes a limit.
type quota struct {
	owner string
	usage dataprovider.Usage

	maxFiles, maxBytes           atomic.Int64 // 0 = no limit
	reservedFiles, reservedBytes atomic.Int64
	usedFiles, usedBytes         atomic.Int64

	mu sync.Mutex // orders refreshes, so that an older reading never wins
}

func (q *quota) limited() bool { return q.maxFiles.Load() > 0 || q.maxBytes.Load() > 0 }

// refresh reads what is stored.
func (q *quota) refresh(ctx context.Context) error {
	if !q.limited() {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	used, err := q.usage.Get(ctx, q.owner)
	if err != nil {
		return err
	}
	q.usedFiles.Store(used.Files)
	q.usedBytes.Store(used.Bytes)
	return nil
}

// full reports whether the limit of bytes has been reached: then even an
// overwrite is refused before it starts.
func (q *quota) full() bool {
	limit := q.maxBytes.Load()
	return limit > 0 && q.usedBytes.Load()+q.reservedBytes.Load() >= limit
}

// reserve takes room, or returns ErrQuota and takes nothing. Negative amounts
// give back.
func (q *quota) reserve(a dataprovider.Amount) error {
	files := q.reservedFiles.Add(a.Files)
	bytes := q.reservedBytes.Add(a.Bytes)
	maxFiles, maxBytes := q.maxFiles.Load(), q.maxBytes.Load()
	if a.Files > 0 && maxFiles > 0 && q.usedFiles.Load()+files > maxFiles ||
		a.Bytes > 0 && maxBytes > 0 && q.usedBytes.Load()+bytes > maxBytes {
		q.release(a)
		return ErrQuota
	}
	return nil
}

func (q *quota) release(a dataprovider.Amount) {
	q.reservedFiles.Add(-a.Files)
	q.reservedBytes.Add(-a.Bytes)
}

// room tells how many bytes could be reserved now; -1 is no limit.
func (q *quota) room() int64 {
	limit := q.maxBytes.Load()
	if limit <= 0 {
		return -1
	}
	return max(0, limit-q.usedBytes.Load()-q.reservedBytes.Load())
}

func rateOf(kib int64) rate.Limit { return rate.Limit(kib * 1024) }

// limiter makes a token bucket of kib KiB/s; nil is no limit. A burst of a
// quarter second keeps the rate smooth without cutting packets into crumbs.
func limiter(kib int64) *rate.Limiter {
	if kib <= 0 {
		return nil
	}
	perSecond := kib * 1024
	return rate.NewLimiter(rateOf(kib), int(max(32*1024, perSecond/4)))
}

// throttle waits until n bytes may pass.
func throttle(ctx context.Context, l *rate.Limiter, n int) error {
	if l == nil {
		return nil
	}
	for n > 0 {
		piece := min(n, l.Burst())
		if err := l.WaitN(ctx, piece); err != nil {
			return err
		}
		n -= piece
	}
	return nil
}
