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

// quota keeps parallel uploads of one user below the limits. What running uploads
// will add is reserved; when one ends, its reservation becomes usage in one step,
// so that the sum neither passes a limit nor counts anything twice.
type quota struct {
	owner string
	usage dataprovider.Usage

	maxFiles, maxBytes atomic.Int64 // 0 = no limit

	mu       sync.Mutex
	used     dataprovider.Amount // as of the last reading, and what was settled since
	reserved dataprovider.Amount
	settling int    // outcomes on their way into the store
	changes  uint64 // of used, begun or ended
	known    bool   // used was read

	pledged pledges
}

func (q *quota) limited() bool { return q.maxFiles.Load() > 0 || q.maxBytes.Load() > 0 }

// refresh reads what is stored: others than this server may have changed it.
// While outcomes are on their way a reading would be of an unknown moment; then
// what is known already is better.
func (q *quota) refresh(ctx context.Context) error {
	if !q.limited() {
		return nil
	}
	if err := q.recalled(ctx); err != nil {
		return err
	}
	q.mu.Lock()
	busy, known, changes := q.settling > 0, q.known, q.changes
	q.mu.Unlock()
	if busy && known {
		return nil
	}
	stored, err := q.usage.Get(ctx, q.owner)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.changes == changes || !q.known {
		q.used, q.known = stored.Amount, true
	}
	return nil
}

// full reports whether the limit of bytes has been reached: then even an
// overwrite is refused before it starts.
func (q *quota) full() bool {
	limit := q.maxBytes.Load()
	q.mu.Lock()
	defer q.mu.Unlock()
	return limit > 0 && q.used.Bytes+q.reserved.Bytes >= limit
}

// reserve takes room, or returns ErrQuota and takes nothing.
func (q *quota) reserve(a dataprovider.Amount) error {
	maxFiles, maxBytes := q.maxFiles.Load(), q.maxBytes.Load()
	q.mu.Lock()
	defer q.mu.Unlock()
	sum := q.used.Add(q.reserved)
	// Not added up: a client may ask for a file of any size.
	if a.Files > 0 && maxFiles > 0 && a.Files > maxFiles-sum.Files || a.Bytes > 0 && maxBytes > 0 && a.Bytes > maxBytes-sum.Bytes {
		return ErrQuota
	}
	q.reserved = q.reserved.Add(a)
	return nil
}

func (q *quota) release(a dataprovider.Amount) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved = minus(q.reserved, a)
}

// begin and end surround the moment when an outcome goes into the store: delta is
// what it adds, reserved what had been reserved for it.
func (q *quota) begin() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settling++
	q.changes++
}

func (q *quota) end(delta, reserved dataprovider.Amount) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settling--
	q.changes++
	q.used = q.used.Add(delta)
	q.reserved = minus(q.reserved, reserved)
}

// free tells how many bytes could be reserved now; -1 is no limit.
func (q *quota) free() int64 {
	limit := q.maxBytes.Load()
	if limit <= 0 {
		return -1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, limit-q.used.Bytes-q.reserved.Bytes)
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
