package sftp

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"sftpgo/protocols"
)

// output is the way to the client, for whole packets. The reading loop and the
// lane share it.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	err error // the first; nothing is sent after it
}

func (o *output) write(p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		if _, err := o.w.Write(p); err != nil {
			o.err = fmt.Errorf("write: %w", err)
		}
	}
	return o.err
}

// smallReplies is what a batch keeps while the session is idle: 64 answers to
// WRITEs.
const smallReplies = 2 << 10

// dataHeader is what stands before the bytes of a DATA packet.
const dataHeader = 4 + 1 + 4 + 4

// batch collects replies, so that many leave in one write: each write to an SSH
// channel becomes a packet of its own, and the reply to a READ of 32 KiB alone
// would be a full one and one of 13 bytes. One goroutine uses a batch.
type batch struct {
	out     *output
	buffers *buffers

	small []byte
	large *[largeBuffer]byte // nil most of the time
	buf   []byte             // what is to be sent, in one of the two
	open  int                // where the reply begins that is being made
	since time.Time          // when the first reply in buf began
}

// replyDelay is how long a reply may wait for others: storage may be slow, or the
// user's bandwidth limited.
const replyDelay = 2 * time.Millisecond

// stale reports whether what there is should not wait any longer.
func (b *batch) stale() bool { return len(b.buf) > 0 && time.Since(b.since) > replyDelay }

func newBatch(out *output, b *buffers) *batch { return &batch{out: out, buffers: b} }

// reserve makes room for n bytes of one reply, n below largeBuffer, and sends
// what is in the way. It is called before a reply begins.
func (b *batch) reserve(n int) error {
	if len(b.buf)+n <= cap(b.buf) {
		return nil
	}
	if b.small == nil && b.large == nil && n <= smallReplies {
		b.small = make([]byte, 0, smallReplies)
		b.buf = b.small
		return nil
	}
	if b.large == nil {
		b.large = b.buffers.get()
		b.buf = append(b.large[:0], b.buf...)
		if len(b.buf)+n <= cap(b.buf) {
			return nil
		}
	}
	if err := b.out.write(b.buf); err != nil {
		return err
	}
	b.buf, b.open = b.buf[:0], 0
	return nil
}

// flush sends all there is, and gives the large buffer back: it is called before
// waiting for the client.
func (b *batch) flush() error {
	var err error
	if len(b.buf) > 0 {
		err = b.out.write(b.buf)
	}
	b.release()
	return err
}

// release drops what is left and gives the large buffer back.
func (b *batch) release() {
	b.buf, b.open = b.small[:0], 0
	if b.large != nil {
		b.buffers.put(b.large)
		b.large = nil
	}
}

// begin starts a reply; end completes it.
func (b *batch) begin(kind byte, id uint32) {
	if b.open = len(b.buf); b.open == 0 {
		b.since = time.Now()
	}
	b.buf = append(b.buf, 0, 0, 0, 0, kind)
	b.buf = binary.BigEndian.AppendUint32(b.buf, id)
}

func (b *batch) end() {
	binary.BigEndian.PutUint32(b.buf[b.open:], uint32(len(b.buf)-b.open-4))
	b.open = len(b.buf)
}

// undo drops a reply that has begun and not ended.
func (b *batch) undo() { b.buf = b.buf[:b.open] }

func (b *batch) u32(v uint32) { b.buf = binary.BigEndian.AppendUint32(b.buf, v) }
func (b *batch) u64(v uint64) { b.buf = binary.BigEndian.AppendUint64(b.buf, v) }

func (b *batch) text(s string) {
	b.u32(uint32(len(s)))
	b.buf = append(b.buf, s...)
}

// smallReply is room for any reply but DATA and NAME.
const smallReply = 512

// status is the reply that only tells how it went.
func (b *batch) status(id, code uint32, text string) error {
	if err := b.reserve(smallReply); err != nil {
		return err
	}
	b.begin(typeStatus, id)
	b.u32(code)
	b.text(text)
	if text == "" {
		b.text("")
	} else {
		b.text("en")
	}
	b.end()
	return nil
}

func (b *batch) ok(id uint32) error { return b.status(id, protocols.SFTPOK, "") }
