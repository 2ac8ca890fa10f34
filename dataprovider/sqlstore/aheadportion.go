package sqlstore

import (
	"errors"
	"io/fs"
	"os"
)

// portionSize is about how many operations of the log one transaction brings in
// while others may wait.
const portionSize = 1000

// bring has the database take what was logged up to a number. If it cannot, that is
// tried again later.
func (w *writer) bring(upto int64) {
	for upto != 0 {
		waits := w.ahead.before(upto)
		if waits == 0 {
			return
		}
		w.commit(nil, min(upto, w.ahead.portionEnd()))
		w.serveAside()
		if w.ahead.before(upto) >= waits {
			return
		}
	}
}

// serveAside commits requests that need much of the log. That is brought in in
// portions, so that others who come meanwhile need not wait for all of it.
func (w *writer) serveAside() {
	for len(w.aside) > 0 {
		waits := w.ahead.before(need(w.aside))
		w.commit(nil, w.ahead.portionEnd())
		stuck := w.ahead.before(need(w.aside)) >= waits
		var batch, rest []*request
		for _, r := range w.aside {
			if len(batch) < w.dialect.batch && (stuck || w.ahead.before(r.upto) <= portionSize) {
				batch = append(batch, r)
			} else {
				rest = append(rest, r)
			}
		}
		if w.aside = rest; len(batch) > 0 {
			w.commit(batch, 0)
		}
	}
}

// admit takes a request into a batch, or puts it aside.
func (w *writer) admit(batch []*request, r *request) []*request {
	if w.ahead.before(r.upto) > portionSize {
		w.aside = append(w.aside, r)
		return batch
	}
	return append(batch, r)
}

// portion is a part of what waits, from its beginning.
type portion struct {
	pieces  [][]byte
	ops     int
	bytes   int
	docs    int
	entries []*entry
	last    int64 // number
}

// batch returns what waits, up to a number. What is not done of it will be the
// database's, and so is what comes behind it to the same targets.
func (a *ahead) batch(upto int64) (p portion) {
	if a == nil || upto == 0 {
		return p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	skip := a.past
	for _, piece := range a.pieces {
		text, n := piece[skip:], 0
		skip = 0
		for n < len(text) {
			body, rest := nextLogged(text[n:])
			number := loggedNumber(body)
			if number > upto {
				break
			}
			p.last = number
			p.ops++
			if loggedKind(body[0]) == loggedUpload {
				p.docs++
			}
			n = len(text) - len(rest)
		}
		if n > 0 {
			p.pieces = append(p.pieces, text[:n])
			p.bytes += n
		}
		if n < len(text) {
			break
		}
	}
	a.moving = p.ops > 0
	for _, e := range a.order {
		if e.number > p.last {
			break
		}
		p.entries = append(p.entries, e)
		if e.state != entryDone {
			e.track.leave()
			a.epoch++
		}
	}
	return p
}

// applied tells whether a portion is in the database.
func (a *ahead) applied(p portion, is bool) {
	if a == nil || p.ops == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moving = false
	a.moves++
	if !is {
		return
	}
	a.ops -= p.ops
	a.bytes -= p.bytes
	a.docs -= p.docs
	a.called = a.called && a.much()
	a.release(len(p.entries))
	for left := p.bytes; left > 0; {
		n := len(a.pieces[0]) - a.past
		if left < n {
			a.past += left
			break
		}
		left -= n
		if cap(a.pieces[0]) == aheadPiece && len(a.spare) < maxAheadBytes/2/aheadPiece {
			a.spare = append(a.spare, a.pieces[0])
		}
		a.pieces, a.past = a.pieces[1:], 0
	}
	switch {
	case a.ops == 0:
		a.awake = false
		a.begin()
	case a.size > aheadFile && int64(a.bytes) < a.size/4 && a.file != nil:
		a.shorten()
	}
}

// begin starts at the beginning of the file again. What lies there has lower
// numbers than what comes, and is known to be in the database.
func (a *ahead) begin() {
	if a.file != nil && (a.size <= aheadFile || a.file.Truncate(0) == nil) {
		a.size = 0
	}
}

// shorten begins the log anew with what waits. If it cannot, it goes on as it is.
func (a *ahead) shorten() {
	next := a.path + ".new"
	f, err := os.OpenFile(next, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	size, skip := int64(0), a.past
	for _, piece := range a.pieces {
		if _, err = f.Write(piece[skip:]); err != nil {
			break
		}
		size += int64(len(piece) - skip)
		skip = 0
	}
	if err == nil {
		err = os.Rename(next, a.path)
	}
	if err != nil {
		_, _ = f.Close(), os.Remove(next) // the old one is as good
		return
	}
	_ = a.file.Close() // it has no name any more
	a.file, a.size = f, size
}

// close takes nothing any more, and leaves no file if nothing waits.
func (a *ahead) close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return nil
	}
	err := a.file.Close()
	a.file = nil
	if a.ops == 0 {
		if rerr := os.Remove(a.path); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}
