package execsink

import (
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sftpgo/actions"
)

const (
	outputLimit = 4 << 10 // bytes kept of what a program writes
	// outputDelay is how long the last words of a failed program are waited for
	// when a descendant keeps the pipe open.
	outputDelay = 200 * time.Millisecond
	// receiptDelay is how long those of one that did well are.
	receiptDelay = 10 * time.Millisecond
)

// output collects what a program writes, of more than the limit the end or the
// beginning. It reads until the last writer is gone, so that a job left in the
// background never gets SIGPIPE.
type output struct {
	w    *os.File
	r    *os.File
	keep part
	done chan struct{} // closed after the last read

	mu   sync.Mutex
	kept []byte
	cut  bool // there was more
}

// part says what is kept of more than the limit.
type part int

const (
	theEnd   part = iota // at most outputLimit, for the log
	theStart             // at most actions.AnswerLimit, an answer
)

func (s *Sink) newOutput(keep part) (*output, error) {
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
	o := &output{r: r, w: w, keep: keep, done: make(chan struct{})}
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
		o.add(buf[:n])
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (o *output) add(p []byte) {
	if o.keep == theStart {
		fit := min(len(p), actions.AnswerLimit-len(o.kept))
		o.kept = append(o.kept, p[:fit]...)
		o.cut = o.cut || fit < len(p)
		return
	}
	o.kept = append(o.kept, p...)
	if over := len(o.kept) - outputLimit; over > 0 {
		o.kept, o.cut = append(o.kept[:0], o.kept[over:]...), true
	}
}

// text returns what was kept so far, for people.
func (o *output) text() string { return o.textWithin(outputDelay) }

// textWithin is text, for who waits for the last words another time.
func (o *output) textWithin(delay time.Duration) string {
	p, _ := o.bytesWithin(delay)
	return strings.ToValidUTF8(string(p), "\uFFFD")
}

// bytes returns what was kept so far, and whether there was more.
func (o *output) bytes() ([]byte, bool) { return o.bytesWithin(outputDelay) }

func (o *output) bytesWithin(delay time.Duration) ([]byte, bool) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.kept), o.cut
}

// discard ends what no program was started for.
func (o *output) discard() {
	if o != nil {
		o.w.Close()
		<-o.done
	}
}

// end is text, after which nothing more is read.
func (o *output) end() string {
	text := o.text()
	o.r.Close()
	<-o.done
	return text
}
