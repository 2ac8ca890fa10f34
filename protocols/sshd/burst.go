package sshd

import (
	"net"
	"sync"
	"syscall"
)

const (
	// burstSize is how much is read at once from a client that sends a lot.
	burstSize = 256 << 10
	// burstFrom is the shortest read that, when it comes back full, says that a
	// client sends a lot. The SSH transport reads 4 KiB and then the rest of a
	// packet.
	burstFrom = 4 << 10
)

// burstConn saves read calls on a busy connection: of the two that the SSH
// transport makes per packet of 32 KiB. When one came back full, the next is
// made with a large buffer from the pool. The buffer is taken when there is
// something to read, and given back when it is handed out: whoever sends a lot
// and then nothing, logged in or not, holds none. One goroutine reads.
type burstConn struct {
	net.Conn
	raw  syscall.RawConn // nil: the connection has none, and buffers are held while it waits
	pool *sync.Pool      // of *[burstSize]byte

	buf  *[burstSize]byte
	data []byte // of buf, not handed out yet
	hot  bool   // more is likely to be there
}

func newBurstConn(nc net.Conn, pool *sync.Pool) *burstConn {
	c := &burstConn{Conn: nc, pool: pool}
	if s, ok := nc.(syscall.Conn); ok && canReadReady {
		// An error means that the connection has ended; Read will tell.
		c.raw, _ = s.SyscallConn()
	}
	return c
}

func (c *burstConn) Read(p []byte) (int, error) {
	if len(c.data) > 0 {
		return c.take(p), nil
	}
	if !c.hot || len(p) >= burstSize {
		n, err := c.Conn.Read(p)
		c.hot = n == len(p) && n >= burstFrom
		return n, err
	}
	n, err := c.fill()
	c.hot = n >= burstSize/16
	if n == 0 {
		return 0, err
	}
	c.data = c.buf[:n]
	return c.take(p), err
}

// fill reads into buf. With nothing read there is no buf.
func (c *burstConn) fill() (n int, err error) {
	if c.raw != nil {
		return c.readReady()
	}
	c.grab()
	if n, err = c.Conn.Read(c.buf[:]); n == 0 {
		c.release()
	}
	return n, err
}

func (c *burstConn) grab() {
	if c.buf, _ = c.pool.Get().(*[burstSize]byte); c.buf == nil {
		c.buf = new([burstSize]byte)
	}
}

func (c *burstConn) release() {
	c.pool.Put(c.buf)
	c.buf = nil
}

// take hands out what is buffered, and gives the buffer back with the last of it.
func (c *burstConn) take(p []byte) int {
	n := copy(p, c.data)
	if c.data = c.data[n:]; len(c.data) == 0 {
		c.data = nil
		c.release()
	}
	return n
}
