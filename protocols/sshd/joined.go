package sshd

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// transportBuffer is how much the SSH transport gathers before it writes.
const transportBuffer = 4 << 10

// joinedConn makes one write of the two that the SSH transport makes of a large
// packet: what fits into its buffer, and the rest. Each write of its own is a
// segment, its acknowledgement and, of the client, a thread that wakes. The first
// part is kept until the second one comes, which follows at once. One goroutine
// writes at a time.
type joinedConn struct {
	net.Conn
	out  net.Conn   // takes both in one call, if it is TCP
	pool *sync.Pool // of *[transportBuffer]byte
	// unambiguous: a write that is as long as the buffer is never a whole packet.
	unambiguous atomic.Bool

	first *[transportBuffer]byte // nil but between the two writes
	parts [2][]byte
	both  net.Buffers // of parts
}

// Write succeeds for the first part; what comes of it is told with the second.
func (c *joinedConn) Write(p []byte) (int, error) {
	switch {
	case c.first != nil:
		return c.join(p)
	case len(p) == transportBuffer && c.unambiguous.Load():
		if c.first, _ = c.pool.Get().(*[transportBuffer]byte); c.first == nil {
			c.first = new([transportBuffer]byte)
		}
		return copy(c.first[:], p), nil
	}
	return c.out.Write(p)
}

// join writes both parts.
func (c *joinedConn) join(rest []byte) (int, error) {
	c.parts = [...][]byte{c.first[:], rest}
	c.both = c.parts[:]
	n, err := c.both.WriteTo(c.out)
	c.pool.Put(c.first)
	c.first, c.parts, c.both = nil, [2][]byte{}, nil
	return max(0, int(n)-transportBuffer), err
}

// oddSized reports whether no packet under any of these ciphers is a multiple of 8
// bytes: the length in front, of 4 bytes, is not part of what is padded (RFC 5647,
// 7.2; PROTOCOL.chacha20poly1305).
func oddSized(ciphers []string) bool {
	return len(ciphers) > 0 && !slices.ContainsFunc(ciphers, func(name string) bool {
		kind := cipherKind(name)
		return kind != "gcm" && kind != "chacha20-poly1305"
	})
}
