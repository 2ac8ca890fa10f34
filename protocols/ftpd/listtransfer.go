package ftpd

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"
	"time"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/vfs"
)

// opening makes the other end of a data connection when the library asks for it.
type opening func(ctx context.Context, d *driver) (ftpserver.FileTransfer, error)

// ownName is what the library is told to fetch or to store for a transfer of our
// own. No client can send it: NUL is in no name that a session accepts.
const ownName = "/\x00"

// begin has the library open a data connection in its turn, for what f returns.
func (c *client) begin(verb string, f opening) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.openings = append(c.openings, f)
	return []byte(verb + " " + ownName + "\r\n")
}

// nextOpening is the oldest that has not begun: the library takes transfers one
// after the other, in the order of the commands.
func (c *client) nextOpening() opening {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.openings[0]
	c.openings = c.openings[1:]
	return f
}

// isTransfer tells whether a command for the library opens a data connection.
func isTransfer(line []byte) bool {
	verb, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	switch strings.ToUpper(string(verb)) {
	case "RETR", "STOR", "APPE":
		return true
	}
	return false
}

// listing returns what LIST, NLST or MLSD sends. The library could list, too: but
// not all facts, not with a pattern, and each line in a write of its own.
func (c *client) listing(verb, arg string) []byte {
	return c.begin("RETR", func(ctx context.Context, d *driver) (ftpserver.FileTransfer, error) {
		t, err := d.openListing(ctx, verb, arg)
		if err != nil {
			return nil, err
		}
		c.listingBegun()
		return t, nil
	})
}

func (d *driver) openListing(ctx context.Context, verb, arg string) (*listTransfer, error) {
	var l listed
	var err error
	if verb == "MLSD" {
		l, err = d.lookUp(ctx, verb, arg)
	} else {
		l, err = d.listArg(ctx, verb, arg)
	}
	if err != nil {
		return nil, err
	}
	t := &listTransfer{c: d.c, entries: []*entry{l.entry}, line: d.lines(verb, l)}
	switch {
	case l.entry.IsDir():
		form := linkTarget
		if verb == "LIST" {
			form = linkArrow
		}
		t.entries, err = d.list(ctx, l.name, l.pattern, maxEntries, form)
	case verb == "MLSD":
		err = vfs.ErrNotDir
	}
	return t, err
}

// lines returns what puts one entry of l into a line.
func (d *driver) lines(verb string, l listed) func(b []byte, e *entry) []byte {
	dir := l.name
	if !l.entry.IsDir() {
		dir = path.Dir(dir)
	}
	switch verb {
	case "NLST":
		return func(b []byte, e *entry) []byte { return append(append(b, l.prefix...), e.name...) }
	case "MLSD":
		facts, in := d.c.facts, d.s.Rights(dir)
		return func(b []byte, e *entry) []byte {
			of := in
			if facts&factPerm != 0 && e.IsDir() {
				of = d.s.Rights(path.Join(dir, e.name))
			}
			return facts.appendFacts(b, e, in, of)
		}
	}
	now := time.Now()
	return func(b []byte, e *entry) []byte { return appendLong(b, e, now) }
}

// listTransfer is a listing on its way. The library reads from it as from a file.
type listTransfer struct {
	c       *client
	entries []*entry
	line    func(b []byte, e *entry) []byte
	cause   error // why not all of it was sent
	closed  bool
}

var (
	_ ftpserver.FileTransfer      = (*listTransfer)(nil)
	_ ftpserver.FileTransferError = (*listTransfer)(nil)
	_ io.WriterTo                 = (*listTransfer)(nil)
)

const listingBuffer = 64 << 10

// WriteTo sends all lines. Each piece is a sign of life.
func (t *listTransfer) WriteTo(w io.Writer) (n int64, err error) {
	defer t.c.rescue("listing", &err)
	buf := make([]byte, 0, listingBuffer)
	for i, e := range t.entries {
		buf = append(t.line(buf, e), "\r\n"...)
		if len(buf) < listingBuffer-maxLine && i < len(t.entries)-1 {
			continue
		}
		m, err := w.Write(buf)
		n += int64(m)
		if err != nil {
			t.cause = lost(err)
			return n, refuse(t.cause)
		}
		t.c.touch()
		buf = buf[:0]
	}
	return n, nil
}

// Seek is called for REST before a listing, which has no meaning there.
func (t *listTransfer) Seek(int64, int) (int64, error) { return 0, nil }

// Read is not used: the library prefers WriteTo.
func (t *listTransfer) Read([]byte) (int, error) { return 0, io.EOF }

// Write is not used: a listing is fetched.
func (t *listTransfer) Write([]byte) (int, error) { return 0, refuse(vfs.ErrUnsupported) }

// TransferError is called by the library when the data connection could not be
// opened, or failed.
func (t *listTransfer) TransferError(err error) {
	if t.cause == nil {
		t.cause = lost(err)
	}
}

// Close ends the listing.
func (t *listTransfer) Close() error {
	if !t.closed {
		t.closed = true
		t.c.control.conclude(t.cause)
		t.c.listingEnded()
	}
	return nil
}
