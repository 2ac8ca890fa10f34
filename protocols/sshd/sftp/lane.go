package sftp

import "sync"

const (
	// maxQueued and maxQueuedBytes bound what waits in the lane. Beyond it the
	// client is not read from.
	maxQueued      = 128
	maxQueuedBytes = 1 << 20
)

// task is one request in the lane.
type task struct {
	run   func()
	bytes int // that it holds
}

// lane runs requests one after the other, in the order in which they came, beside
// the loop that reads the client. Its goroutine lives while there is something to
// do; wait waits for it.
type lane struct {
	mu      sync.Mutex
	changed sync.Cond // queue became shorter, or running false
	queue   []task
	bytes   int
	running bool
}

func newLane() *lane {
	l := &lane{}
	l.changed.L = &l.mu
	return l
}

// idle reports whether nothing is queued or runs.
func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.running
}

// full reports whether put would have to wait.
func (l *lane) full(t task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noRoom(t)
}

func (l *lane) noRoom(t task) bool {
	return len(l.queue) >= maxQueued || len(l.queue) > 0 && l.bytes+t.bytes > maxQueuedBytes
}

// put queues t, when there is room.
func (l *lane) put(t task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.noRoom(t) {
		l.changed.Wait()
	}
	l.queue = append(l.queue, t)
	l.bytes += t.bytes
	if !l.running {
		l.running = true
		go l.work()
	}
}

func (l *lane) work() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 {
		t := l.queue[0]
		l.queue[0] = task{}
		l.queue = l.queue[1:]
		l.bytes -= t.bytes
		l.changed.Broadcast()
		l.mu.Unlock()
		t.run() // contains its panics
		l.mu.Lock()
	}
	l.queue, l.running = nil, false
	l.changed.Broadcast()
}

// next reports whether another task is waiting.
func (l *lane) next() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

// wait returns when all is done.
func (l *lane) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.running {
		l.changed.Wait()
	}
}
