package execsink

import (
	"os"
	"strings"
	"sync"
	"time"
)

const (
	outputLimit = 4 << 10 // bytes kept of what a program writes
	// outputDelay is how long the last words of a failed program are waited for
	// when a descendant keeps the pipe open.
	outputDelay = 200 * time.Millisecond
)

// output collects the end of what a program writes. It reads until the last
// writer is gone, so that a job left in the background never gets SIGPIPE.
type output struct {
	w    *os.File
	r    *os.File
	done chan struct{} // closed after the last read

	mu   sync.Mutex
	tail []byte
}

func (s *Sink) newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		r.Close()
		w.Close()
		return nil, os.ErrClosed
	}
	o := &output{r: r, w: w, done: make(chan struct{})}
	s.outputs[r] = struct{}{}
	s.readers.Go(func() {
		o.read()
		s.mu.Lock()
		delete(s.outputs, r)
		s.mu.Unlock()
		r.Close()
	})
	return o, nil
}

func (o *output) read() {
	defer close(o.done)
	buf := make([]byte, outputLimit)
	for {
		n, err := o.r.Read(buf)
		o.mu.Lock()
		o.tail = append(o.tail, buf[:n]...)
		if over := len(o.tail) - outputLimit; over > 0 {
			o.tail = append(o.tail[:0], o.tail[over:]...)
		}
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// text returns what was kept so far.
func (o *output) text() string {
	timer := time.NewTimer(outputDelay)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.ToValidUTF8(string(o.tail), "\uFFFD")
}

// end is text, after which nothing more is read.
func (o *output) end() string {
	text := o.text()
	o.r.Close()
	<-o.done
	return text
}
