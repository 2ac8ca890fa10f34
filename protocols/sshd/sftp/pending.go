package sftp

import (
	"io"
	"sync"
)

// maxPending is how many requests pkg/sftp is given before it has answered the
// first of them: enough for its eight goroutines that read and write. Each of
// them holds up to two buffers of 256 KiB there, so that this bounds the memory of
// a session. What the client sends beyond it waits in the window of its channel.
const maxPending = 12

// pending counts requests under way.
type pending struct {
	mu     sync.Mutex
	room   sync.Cond // n became less, or closed was set
	n      int
	closed bool
}

func newPending() *pending {
	p := &pending{}
	p.room.L = &p.mu
	return p
}

// begin waits until there is room for one more. Every request is answered, in
// order and without waiting for later ones, so that there will be.
func (p *pending) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.n >= maxPending && !p.closed {
		p.room.Wait()
	}
	if p.closed {
		return io.ErrClosedPipe
	}
	p.n++
	return nil
}

// end tells that one has been answered.
func (p *pending) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	p.room.Signal()
}

// close ends the waiting: there will be no more answers.
func (p *pending) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.room.Signal()
}
