package session

import (
	"sync"

	"sftpgo/dataprovider"
)

// room is what a file may grow into: what it counts for already, and what was
// reserved beyond that. Those who write one file in place share it.
type room struct {
	quota *quota // nil when nothing is limited

	mu       sync.Mutex
	top      int64 // the end of what is counted or reserved
	reserved dataprovider.Amount
}

// grow makes room for a file of end bytes.
func (r *room) grow(end int64) error {
	if r.quota == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if end <= r.top {
		return nil
	}
	more := dataprovider.Amount{Bytes: end - r.top}
	if err := r.quota.reserve(more); err != nil {
		return err
	}
	r.top = end
	r.reserved = r.reserved.Add(more)
	return nil
}

// start begins with what lies there now, which may be another file than the one
// that was looked at first.
func (r *room) start(now dataprovider.Amount) error {
	r.mu.Lock()
	r.top = now.Bytes
	r.mu.Unlock()
	return r.cover(dataprovider.Amount{Files: 1 - now.Files})
}

// cover makes sure that usage may change by delta: what the file was to replace
// may have gone, and its room with it.
func (r *room) cover(delta dataprovider.Amount) error {
	if r.quota == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lack := minus(delta, r.reserved)
	lack.Files, lack.Bytes = max(0, lack.Files), max(0, lack.Bytes)
	if lack.IsZero() {
		return nil
	}
	if err := r.quota.reserve(lack); err != nil {
		return err
	}
	r.reserved = r.reserved.Add(lack)
	return nil
}

// left tells how many bytes, up to n, may be written at pos.
func (r *room) left(pos, n int64) int64 {
	if r.quota == nil {
		return n
	}
	free := r.quota.free()
	if free < 0 {
		return n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(n, r.top+free-pos)
}

// ample reports whether pieces of n bytes may be reserved ahead without taking
// away from other clients what they need: there may be many of them.
func (r *room) ample(n int64) bool {
	const clients = 256
	if n <= 0 {
		return false
	}
	if r.quota == nil {
		return true
	}
	free := r.quota.free()
	return free < 0 || free/clients >= n
}

// split moves up to a of what is reserved into a room of its own, for one new file
// of several.
func (r *room) split(a dataprovider.Amount) *room {
	r.mu.Lock()
	defer r.mu.Unlock()
	a.Files, a.Bytes = min(a.Files, r.reserved.Files), min(a.Bytes, r.reserved.Bytes)
	r.reserved = minus(r.reserved, a)
	return &room{quota: r.quota, top: a.Bytes, reserved: a}
}

// take empties the room, for whoever gives it back.
func (r *room) take() dataprovider.Amount {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.reserved
	r.reserved = noAmount
	return a
}

// release gives back what was reserved when nothing came of it.
func (r *room) release() {
	if r.quota != nil {
		r.quota.release(r.take())
	}
}
