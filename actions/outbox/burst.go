package outbox

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// burstLook is how long a lane watches what is recorded, and burst how much that
	// must be for uploads to go first.
	burstLook = 20 * time.Millisecond
	burst     = 10
	// firstLook is how long the first event after a rest waits, to see whether a burst
	// begins with it, and firstBurst how much that must be.
	firstLook  = burstLook / 2
	firstBurst = burst / 2
	// burstLimit is the longest that deliveries give way.
	burstLimit = time.Second
)

// burstWatch lets a burst of uploads go before the deliveries of its events: who
// uploads waits, who is told does not, and both want the same processors. After a
// second, deliveries go on at full speed until they have caught up.
type burstWatch struct {
	recorded atomic.Int64 // events for the target

	// Below: only for the loop of the lane.
	seen    int64     // of recorded
	since   time.Time // when it was so many
	verdict bool
	pressed bool // the limit was reached
}

// busy reports whether many events were recorded of late.
func (b *burstWatch) busy() bool {
	now := time.Now()
	looks := int64(now.Sub(b.since) / burstLook)
	if looks < 1 {
		return b.verdict
	}
	n := b.recorded.Load()
	b.verdict = !b.since.IsZero() && n-b.seen >= burst*looks
	b.seen, b.since = n, now
	return b.verdict
}

// begin watches anew, after a rest.
func (b *burstWatch) begin() {
	b.seen, b.since = b.recorded.Load(), time.Now()
}

// decide says whether it is busy by what was recorded since begin.
func (b *burstWatch) decide() {
	b.verdict = b.recorded.Load()-b.seen >= firstBurst
}

// lookAround waits a moment with the first event after a rest: were it delivered at
// once, a burst that begins with it would be over before it is seen.
func (l *lane) lookAround(ctx context.Context) {
	if l.inHand > 0 || l.more || l.hurry || l.inline.any() {
		return
	}
	l.burst.begin()
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-l.urgent:
		l.hurry = true
	case <-timer.C:
		l.burst.decide()
	}
}

// giveWay waits while uploads come thick and fast. Results are received meanwhile.
func (l *lane) giveWay(ctx context.Context) {
	if !l.more {
		l.burst.pressed = false // it has caught up
	}
	if l.hurry || l.inline.any() || !l.burst.busy() || l.burst.pressed {
		return
	}
	limit := time.Now().Add(burstLimit)
	look := time.NewTicker(burstLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-l.results:
			l.receive(r)
			continue
		case <-l.urgent:
			l.hurry = true
			return
		case <-look.C:
		}
		if !l.burst.busy() {
			return
		}
		if time.Now().After(limit) {
			l.burst.pressed = true
			return
		}
	}
}
