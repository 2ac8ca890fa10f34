package sftp

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

const (
	// maxData is the most that one READ returns and one WRITE may carry:
	// OpenSSH's sftp-server announces the same.
	maxData = 255 << 10
	// maxPacket is the longest packet that is taken: SFTP_MAX_MSG_LENGTH of
	// OpenSSH.
	maxPacket = 256 << 10
	// smallBuffer is what a session keeps while it is idle: room for the requests
	// of 64 READs, which OpenSSH's client has under way.
	smallBuffer = 4 << 10
	// largeBuffer is what it has while data passes, taken from a pool: one packet of
	// any size and some more.
	largeBuffer = maxPacket + 32<<10
)

// ErrPacket is wrapped by the error of Serve when the client does not speak the
// protocol.
var ErrPacket = errors.New("malformed packet")

// buffers recycles the large buffers of all sessions.
type buffers struct{ pool sync.Pool } // of *[largeBuffer]byte

func (b *buffers) get() *[largeBuffer]byte {
	if p, ok := b.pool.Get().(*[largeBuffer]byte); ok {
		return p
	}
	return new([largeBuffer]byte)
}

func (b *buffers) put(p *[largeBuffer]byte) { b.pool.Put(p) }

// input cuts the client's stream into packets. It reads as much at a time as
// there is, because each Read of an SSH channel costs a lock, a copy and now and
// then a packet that widens the window. A large buffer is taken when a small one
// came back full, and given back when the stream gets thin.
type input struct {
	r       io.Reader
	buffers *buffers

	small      []byte
	large      *[largeBuffer]byte // nil most of the time
	buf        []byte             // one of the two
	start, end int                // what of it is read and not consumed
	hot        bool               // more is likely to be there
	err        error              // of the last Read
}

func newInput(r io.Reader, b *buffers) *input {
	small := make([]byte, smallBuffer)
	return &input{r: r, buffers: b, small: small, buf: small}
}

// buffered returns the next packet, without its length, if all of it has been
// read; else nil. It is good until the next fill.
func (in *input) buffered() ([]byte, error) {
	have := in.end - in.start
	if have < 4 {
		return nil, nil
	}
	length := binary.BigEndian.Uint32(in.buf[in.start:])
	if length == 0 || length > maxPacket {
		return nil, ErrPacket
	}
	if have-4 < int(length) {
		return nil, nil
	}
	packet := in.buf[in.start+4:][:length:length]
	in.start += 4 + int(length)
	return packet, nil
}

// fill reads more. io.EOF is the end between two packets.
func (in *input) fill() error {
	n := 0
	if in.err == nil {
		in.makeRoom()
		n, in.err = in.r.Read(in.buf[in.end:])
		in.end += n
		in.hot = n >= smallBuffer || in.end == len(in.buf)
	}
	switch {
	case n > 0:
		return nil // packets first
	case in.err == io.EOF && in.end > in.start:
		return io.ErrUnexpectedEOF
	}
	return in.err
}

// makeRoom sees to it that there is room behind what has been read. A packet that
// has begun gets the large buffer when the small one is full and not when its
// length says so: that costs a hostile client nothing.
func (in *input) makeRoom() {
	if in.start == in.end {
		in.start, in.end = 0, 0
		if !in.hot {
			in.release()
		} else if in.large == nil {
			in.large = in.buffers.get()
			in.buf = in.large[:]
		}
		return
	}
	full := in.end == len(in.buf)
	switch {
	case in.large == nil && full && (in.hot || in.start == 0):
		in.large = in.buffers.get()
		in.move(in.large[:])
	case full || in.large != nil && in.start+in.need() > len(in.buf):
		in.move(in.buf)
	}
}

// need is the size of the packet that has begun, as far as it is known.
func (in *input) need() int {
	if in.end-in.start < 4 {
		return 4
	}
	return 4 + int(binary.BigEndian.Uint32(in.buf[in.start:]))
}

// move takes what is not consumed to the front of to.
func (in *input) move(to []byte) {
	n := copy(to, in.buf[in.start:in.end])
	in.buf, in.start, in.end = to, 0, n
}

// release gives the large buffer back. What was read of it is lost.
func (in *input) release() {
	if in.large == nil {
		return
	}
	in.buffers.put(in.large)
	in.large, in.buf, in.start, in.end = nil, in.small, 0, 0
}
