package sshd

import (
	"net"
	"sync"
)

// burstSize is how much is read at once from a client that sends a lot.
const burstSize = 256 << 10

// burstConn saves read calls on a busy connection. The SSH transport reads 4 KiB
// and then the rest of a packet, at two calls per 32 KiB. When a read came back
// full, the next one is made with a large buffer from the pool; an idle
// connection holds none. One goroutine reads.
type burstConn struct {
	net.Conn
	pool *sync.Pool // of *[burstSize]byte

	buf  *[burstSize]byte
	data []byte // of buf, not handed out yet
	hot  bool   // more is likely to be there
}

func (c *burstConn) Read(p []byte) (int, error) {
	if len(c.data) > 0 {
		return c.take(p), nil
	}
	if !c.hot || len(p) >= burstSize {
		n, err := c.Conn.Read(p)
		c.hot = n > 0 && n == len(p)
		return n, err
	}
	if c.buf == nil {
		c.buf, _ = c.pool.Get().(*[burstSize]byte)
		if c.buf == nil {
			c.buf = new([burstSize]byte)
		}
	}
	n, err := c.Conn.Read(c.buf[:])
	c.data, c.hot = c.buf[:n], n >= burstSize/16
	return c.take(p), err
}

// take hands out what is buffered, and gives the buffer back with the last of it
// unless more is likely to come.
func (c *burstConn) take(p []byte) int {
	n := copy(p, c.data)
	c.data = c.data[n:]
	if len(c.data) == 0 && !c.hot && c.buf != nil {
		c.pool.Put(c.buf)
		c.buf = nil
	}
	return n
}
