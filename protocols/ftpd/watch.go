package ftpd

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"sync"
	"time"
)

// watch looks at what the client sends while a command runs that the library waits
// for, and takes nothing of it: ABOR and the end of the connection call stop. It ends
// with the function returned, before the next command is read.
func (t *control) watch(stop func()) (end func()) {
	var running sync.WaitGroup
	running.Go(func() {
		var err error
		for {
			seen, _ := t.reader.Peek(t.reader.Buffered())
			switch {
			case hasAbort(seen):
				stop()
				return
			case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, bufio.ErrBufferFull):
				return // it is over, or nobody can tell what follows
			case err != nil:
				stop()
				return
			}
			_, err = t.reader.Peek(len(seen) + 1) // waits for more
		}
	})
	return func() {
		t.mu.Lock()
		_ = t.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes it; fails only if the connection is closed
		t.mu.Unlock()
		running.Wait()
		t.keep()
	}
}

// hasAbort tells whether ABOR is among the commands that are complete.
func hasAbort(sent []byte) bool {
	for {
		line, rest, complete := bytes.Cut(sent, []byte("\n"))
		if !complete {
			return false
		}
		if bytes.EqualFold(bytes.TrimSpace(bytes.TrimLeftFunc(line, isTelnet)), []byte("ABOR")) {
			return true
		}
		sent = rest
	}
}
