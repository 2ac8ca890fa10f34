package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// conn is one client. Its loop reads packets and carries out what is quick; the
// lane does the rest.
type conn struct {
	s       *session.Session
	log     *slog.Logger
	ctx     context.Context // of what takes long: ends with the client
	in      *input
	out     *output
	loop    *batch // replies of the loop
	side    *batch // replies of the lane
	lane    *lane
	handles handles
	ready   bool // INIT has been seen
	// linkFirst: SYMLINK has the names in the order of the draft.
	linkFirst bool
}

// request is what a packet asks for, taken apart.
type request struct {
	id    uint32
	op    string   // for the log
	names []string // that it is about, as the client sent them
	bytes int      // that it holds while it waits
	// h and other are the handles that it is about; requests on one handle are
	// carried out in the order in which they came.
	h, other *handle
	// byHandle requests are quick, and need keep the order of their handle only.
	byHandle bool
	// slow requests may take minutes: they never keep the loop, and end when the
	// client has gone.
	slow bool
	// quick requests let their reply wait for that of the next one.
	quick bool
	// run carries it out: it makes the reply, or returns why there is none.
	run func(ctx context.Context, b *batch) error
}

func newConn(rw io.ReadWriter, s *session.Session, client string, b *buffers) *conn {
	out := &output{w: rw}
	return &conn{
		s: s, log: s.Log(), in: newInput(rw, b), out: out,
		loop: newBatch(out, b), side: newBatch(out, b), lane: newLane(), linkFirst: draftSymlink(client),
	}
}

// serve answers until the stream ends, which is io.EOF, or an error. Nothing runs
// and nothing is open when it returns.
func (c *conn) serve(client context.Context) error {
	ctx, cancel := context.WithCancel(c.s.Context())
	defer context.AfterFunc(client, cancel)()
	c.ctx = ctx
	err := c.read()
	if ferr := c.loop.flush(); ferr != nil && err == io.EOF {
		err = ferr
	}
	cancel()
	c.lane.wait()
	c.side.release()
	c.in.release()
	for _, h := range c.handles.drain() {
		c.abandon(h)
	}
	return err
}

// abandon ends what was open when the stream ended: an upload that nobody closed
// is not complete.
func (c *conn) abandon(h *handle) {
	defer func() {
		if r := recover(); r != nil {
			c.panicked("close", h.name(), r)
		}
	}()
	if h.listing != nil {
		h.listing.close()
		return
	}
	h.file.fail(io.ErrUnexpectedEOF)
	_ = h.file.t.Close() // logged there
}

// read is the loop. Replies go out when nothing more is there to be done at once.
func (c *conn) read() error {
	for {
		packet, err := c.in.buffered()
		if err == nil && packet != nil {
			if err = c.packet(packet); err == nil && c.loop.stale() {
				err = c.loop.flush()
			}
		} else if err == nil {
			if err = c.loop.flush(); err == nil {
				err = c.in.fill()
			}
		}
		if err != nil {
			return err
		}
	}
}

// packet takes one packet apart and sees to its answer. An error ends the session.
func (c *conn) packet(packet []byte) error {
	kind, f := packet[0], &fields{rest: packet[1:]}
	if kind == typeInit {
		if f.u32(); f.bad {
			return ErrPacket
		}
		c.ready = true // a second one is answered as the first: sftp-server does so
		return c.hello()
	}
	id := f.u32()
	if f.bad || !c.ready {
		return ErrPacket
	}
	var q *request
	switch kind {
	case typeRead:
		return c.readPacket(id, f)
	case typeWrite:
		return c.writePacket(id, f)
	case typeExtended:
		q = c.extended(f)
	default:
		q = c.request(kind, f)
	}
	if f.bad {
		return ErrPacket
	}
	if q == nil {
		return c.loop.fail(id, vfs.ErrUnsupported)
	}
	q.id = id
	return c.submit(q)
}

// submit carries a request out, here or in the lane.
func (c *conn) submit(q *request) error {
	for _, name := range q.names {
		if err := c.s.CheckName(q.op, "/", name); err != nil {
			return c.loop.fail(q.id, err)
		}
	}
	if c.inline(q) {
		return c.exec(c.s.Context(), c.loop, q)
	}
	ctx := c.s.Context()
	if q.slow {
		ctx = c.ctx
	}
	q.hold(1)
	t := task{bytes: q.bytes, run: func() { c.beside(ctx, q) }}
	if c.lane.full(t) {
		if err := c.loop.flush(); err != nil {
			return err
		}
	}
	c.lane.put(t)
	return nil
}

// beside carries a request out in the lane. Replies that come quickly one after the
// other leave together; none waits for what takes long.
func (c *conn) beside(ctx context.Context, q *request) {
	// An error is that of the stream, which the loop meets too.
	if !q.quick {
		_ = c.side.flush()
	}
	_ = c.exec(ctx, c.side, q)
	q.hold(-1)
	if !q.quick || !c.lane.next() || len(c.side.buf) >= maxReply || c.side.stale() {
		_ = c.side.flush()
	}
}

// inline tells whether a request may be carried out by the loop. What may take a
// while may not, but for a client that has no file open beside the one that it is
// about: then there is nothing that it could keep from going on, and a change of
// goroutines is saved.
func (c *conn) inline(q *request) bool {
	switch {
	case q.slow:
		return false
	case q.byHandle:
		return q.h.queued.Load() == 0
	}
	return c.handles.otherFiles(q.h) == 0 && c.lane.idle()
}

// hold counts the request on its handles.
func (q *request) hold(delta int32) {
	for _, h := range []*handle{q.h, q.other} {
		if h != nil {
			h.queued.Add(delta)
		}
	}
}

// exec carries a request out and makes its reply. An error is one of the stream.
func (c *conn) exec(ctx context.Context, b *batch, q *request) error {
	if err := c.contained(ctx, b, q); err != nil {
		b.undo()
		return b.fail(q.id, err)
	}
	return nil
}

// contained keeps a panic from ending more than the request.
func (c *conn) contained(ctx context.Context, b *batch, q *request) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = c.panicked(q.op, q.about(), r)
		}
	}()
	return q.run(ctx, b)
}

// about is the name that the log tells.
func (q *request) about() string {
	switch {
	case len(q.names) > 0:
		return q.names[0]
	case q.h != nil:
		return q.h.name()
	}
	return ""
}

func (c *conn) panicked(op, name string, r any) error {
	c.log.Error("panic", "operation", op, "path", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	return errInternal
}

// ended tells whether err is the end of a stream that the client has closed.
func ended(err error) bool {
	return err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}
