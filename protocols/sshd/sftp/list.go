package sftp

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"
)

// maxReply is how much one READDIR returns: a packet of a size that every client
// must take (draft 02, section 3: 34000 bytes), and that fits one SSH packet.
const maxReply = 32 << 10

// listing is an open directory. It is one entry ahead of the client. One
// goroutine at a time uses it.
type listing struct {
	name string
	next func() (fs.FileInfo, error, bool)
	stop func()
	head fs.FileInfo
	err  error // no head: why
}

// openDir is OPENDIR.
func (c *conn) openDir(f *fields) *request {
	name := f.text()
	q := &request{op: "list", names: []string{name}, bytes: len(name)}
	q.run = func(_ context.Context, b *batch) error {
		l, err := c.list(name)
		if err != nil {
			return err
		}
		return c.handOut(b, q.id, &handle{listing: l})
	}
	return q
}

// list asks for the first entry at once, so that OPENDIR is what fails, as
// clients expect, and not the first READDIR.
func (c *conn) list(name string) (*listing, error) {
	if err := c.handles.roomForListing(); err != nil {
		return nil, err
	}
	l := &listing{name: name}
	l.next, l.stop = iter.Pull2(c.s.List(c.s.Context(), name))
	if l.pull(); l.err != nil && l.err != io.EOF {
		l.close()
		return nil, l.err
	}
	return l, nil
}

func (l *listing) pull() {
	info, err, ok := l.next()
	switch {
	case !ok:
		l.head, l.err = nil, io.EOF
	case err != nil:
		l.head, l.err = nil, err
	default:
		l.head = info
	}
}

// close gives the directory handle back.
func (l *listing) close() { l.stop() }

// readDir is READDIR.
func (c *conn) readDir(h *handle) *request {
	if h == nil || h.listing == nil {
		return refused("readdir", errHandle)
	}
	q := &request{op: "readdir", h: h, quick: true}
	q.run = func(_ context.Context, b *batch) error {
		l := h.listing
		if l.err != nil {
			return l.err
		}
		if err := b.reserve(maxReply + maxEntry); err != nil {
			return err
		}
		now := time.Now()
		b.begin(typeName, q.id)
		count := len(b.buf)
		b.u32(0)
		n := uint32(0)
		for ; l.err == nil && len(b.buf)-b.open < maxReply-maxEntry; n++ {
			b.entry(l.head, now)
			l.pull()
		}
		putCount(b.buf[count:], n)
		b.end()
		return nil
	}
	return q
}
