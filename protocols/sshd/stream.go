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
	evict   func() // does not block
	evicted chan struct{}
}

func newStream(ch ssh.Channel) *stream {
	st := &stream{Channel: ch, evicted: make(chan struct{})}
	st.evict = sync.OnceFunc(func() { close(st.evicted) })
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
// side. One that does not loses the connection.
func (c *connection) attend(st *stream, requests <-chan *ssh.Request) {
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
			defer time.AfterFunc(partingTime, func() { c.tcp.Close() }).Stop()
			_ = st.Close() // by the client or the program already
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
