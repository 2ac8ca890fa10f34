package session

import (
	"sync"
	"time"
)

// inflight counts the pieces that are on their way, so that the end of a transfer
// waits for them: what is written after the file was looked at would be counted
// nowhere.
type inflight struct {
	mu    sync.Mutex
	n     int
	ended bool
	idle  chan struct{} // made by end, closed by the last piece
}

// enter begins a piece, or reports that the transfer has ended.
func (f *inflight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	f.n++
	return true
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 && f.idle != nil {
		close(f.idle)
	}
}

// end lets nothing more begin and waits for what has. It reports whether all ended
// within the limit: a client that neither sends nor hangs up must not keep it up.
func (f *inflight) end(limit time.Duration) bool {
	f.mu.Lock()
	f.ended = true
	if f.n == 0 {
		f.mu.Unlock()
		return true
	}
	f.idle = make(chan struct{})
	f.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-f.idle:
		return true
	case <-timer.C:
		return false
	}
}

// lastPiece is how long the end of a transfer waits for a piece. Whoever ends a
// session closes its connection first, so that it comes at once.
const lastPiece = 5 * time.Second

// piece runs one call on the file.
func (t *Transfer) piece(call func() (int, error)) (int, error) {
	if !t.pieces.enter() {
		return 0, ErrClosed
	}
	defer t.pieces.leave()
	return call()
}

// longPiece is piece for the calls that move many bytes.
func (t *Transfer) longPiece(call func() (int64, error)) (int64, error) {
	if !t.pieces.enter() {
		return 0, ErrClosed
	}
	defer t.pieces.leave()
	return call()
}
