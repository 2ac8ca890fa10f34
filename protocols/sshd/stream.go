package sshd

import (
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// partingTime is how long a client may take to close its side of a channel that the
// server has ended.
const partingTime = 2 * time.Second

// stream is a channel that can be ended without its connection.
type stream struct {
	ssh.Channel
	evict   func()        // does not block
	evicted chan struct{} // closed by evict
	gone    chan struct{} // closed when the client has closed its side
}

// newStream makes one; hangUp ends the connection of a client that is evicted and
// does not go.
func newStream(ch ssh.Channel, hangUp func()) *stream {
	st := &stream{Channel: ch, evicted: make(chan struct{}), gone: make(chan struct{})}
	st.evict = sync.OnceFunc(func() {
		close(st.evicted)
		time.AfterFunc(partingTime, func() {
			select {
			case <-st.gone:
			default:
				hangUp()
			}
		})
	})
	return st
}

func (st *stream) isEvicted() bool {
	select {
	case <-st.evicted:
		return true
	default:
		return false
	}
}

// attend refuses what a client asks for beside the program that runs in a channel,
// and ends the channel if it is evicted. It returns when the client has closed its
// side.
func (st *stream) attend(requests <-chan *ssh.Request) {
	defer close(st.gone)
	for {
		select {
		case request, ok := <-requests:
			if !ok {
				return
			}
			if request.WantReply {
				_ = request.Reply(false, nil) // an error means that the connection has ended
			}
		case <-st.evicted:
			_ = st.Close() // closed already is fine
			ssh.DiscardRequests(requests)
			return
		}
	}
}

// disconnect ends a session from the server's side. Clients share a connection
// between several (ControlMaster of OpenSSH), and a transfer must not end because
// another one is idle: then the channel goes alone.
func (c *connection) disconnect(st *stream) {
	c.mu.Lock()
	shared := c.running > 1
	c.mu.Unlock()
	if shared {
		st.evict()
		return
	}
	c.tcp.Close()
}

// closeUnused ends the connection if nothing runs in it any more.
func (c *connection) closeUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == 0 {
		c.tcp.Close()
	}
}
