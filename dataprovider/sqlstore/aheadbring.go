package sqlstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// bringIn puts what was logged up to a number into the database, in front of what
// the transaction is for. It returns what that was.
func (w *writer) bringIn(t *tx, upto int64) (portion, error) {
	p := w.ahead.batch(upto)
	if p.ops == 0 {
		return p, nil
	}
	b := bringing{tx: t, entries: p.entries, begins: map[int64][]byte{}}
	for _, text := range p.pieces {
		for len(text) > 0 {
			var body []byte
			body, text = nextLogged(text)
			if err := b.operation(body); err != nil {
				return p, err
			}
		}
	}
	for id, record := range b.begins {
		if err := t.intend(id, record); err != nil {
			return p, err
		}
	}
	if err := t.keepAll(latest(b.done, w.ahead.keeps())); err != nil {
		return p, err
	}
	const query = "INSERT INTO sequence (name, value) VALUES ('ahead', ?)" +
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	_, err := t.exec(query, p.last)
	return p, err
}

// bringing is a portion on its way into the database.
type bringing struct {
	*tx
	entries []*entry         // not there yet
	begins  map[int64][]byte // that did not end in the portion
	done    []*entry         // to be kept as history
}

func (b *bringing) operation(body []byte) error {
	switch loggedKind(body[0]) {
	case loggedBegin:
		id, record := readRecord(body)
		b.begins[id] = record
	case loggedUpload:
		_, record := readRecord(body)
		return b.bringUpload(record)
	case loggedDrop:
		id, _ := readRecord(body)
		return b.end(id)
	case loggedEvent:
		return b.settlement(body)
	}
	return nil // of loggedDone the entries know
}

// end forgets an intention.
func (b *bringing) end(id int64) error {
	if _, here := b.begins[id]; here || id == 0 {
		delete(b.begins, id)
		return nil
	}
	_, err := b.exec("DELETE FROM outbox_pending WHERE id = ?", id)
	return err
}

func (b *bringing) settlement(body []byte) error {
	id, amended := readEnd(body)
	if err := b.end(id); err != nil {
		return err
	}
	for _, p := range amended {
		if _, here := b.begins[p.ID]; here {
			b.begins[p.ID] = p.Record
		} else if err := b.amend(p); err != nil {
			return err
		}
	}
	for number := loggedNumber(body); len(b.entries) > 0 && b.entries[0].number == number; b.entries = b.entries[1:] {
		if err := b.delivery(b.entries[0]); err != nil {
			return err
		}
	}
	return nil
}

// delivery queues what is not done. It does not change any more: its target is
// served from the database by now.
func (b *bringing) delivery(e *entry) error {
	n := newDelivery{
		id: e.id, target: e.track.target, hashes: e.hashList(), eventID: e.eventID, event: e.event, settled: e.settled,
	}
	switch e.state {
	case entryDone:
		if e.end.kept {
			b.done = append(b.done, e)
		}
		return nil
	case entryTaken:
		n.leased, n.expires = true, b.ahead.expiry(e)
	}
	_, err := b.enqueue(n)
	return err
}

// latest returns those of done that were done last, keep at most; all, if that is
// negative.
func latest(done []*entry, keep int) []*entry {
	if keep < 0 || len(done) <= keep {
		return done
	}
	slices.SortStableFunc(done, func(a, b *entry) int { return cmp.Compare(a.end.at, b.end.at) })
	return done[len(done)-keep:]
}

// keeps is how many deliveries that are done are worth keeping; negative: all.
func (a *ahead) keeps() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keep
}

// sweeps tells how many a sweep left.
func (a *ahead) sweeps(keep int) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keep = max(keep, 0)
}

// still identifies a moment in which nothing is on its way into the database.
func (a *ahead) still() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.moving {
		return -1
	}
	return a.moves
}

// backlog adds what waits here to what the database had. It is not ok if any of that
// went there meanwhile.
func (a *ahead) backlog(stored []waitingFor, still int64) (out []waitingFor, ok bool) {
	if a == nil {
		return stored, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.moving || a.moves != still {
		return nil, false
	}
	for _, e := range a.order {
		if e.state == entryDone {
			continue
		}
		at, known := slices.BinarySearchFunc(stored, e.track.target, func(w waitingFor, target string) int { return cmp.Compare(w.Target, target) })
		if !known {
			stored = slices.Insert(stored, at, waitingFor{Backlog: dataprovider.Backlog{Target: e.track.target}})
		}
		w := &stored[at]
		if w.Queued++; w.first == 0 || e.id < w.first {
			w.first, w.Oldest = e.id, time.UnixMicro(e.settled)
		}
	}
	return stored, true
}

// readAhead opens the log of a database that this process has for itself. Without
// one that can be made the database does all.
func (s *Store) readAhead(t *tx) error {
	var applied, highest int64
	if err := t.row("SELECT coalesce(max(value), 0) FROM sequence WHERE name = 'ahead'", nil, &applied); err != nil {
		return err
	}
	if err := t.row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox_pending'", nil, &highest); err != nil {
		return err
	}
	ids, err := t.reserveIDs()
	if err != nil {
		return err
	}
	a, err := openAhead(s.file.path+".events", applied, highest, ids)
	if err != nil {
		if _, serr := os.Stat(s.file.path + ".events"); errors.Is(serr, fs.ErrNotExist) {
			return nil // it cannot be made
		}
		return fmt.Errorf("log of events: %w", err)
	}
	s.ahead, s.writer.ahead = a, a
	return nil
}
