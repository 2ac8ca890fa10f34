package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"sftpgo/dataprovider"
)

const (
	// maxAhead and maxAheadBytes bound what waits for the database: beyond, callers
	// wait for it, too.
	maxAhead      = 20000
	maxAheadBytes = 32 << 20
	// aheadFile is how long the log gets before what is in the database leaves it.
	aheadFile = 4 << 20
)

// ahead is a log in front of the database of a server that has it for itself. What
// changes nothing but the outbox is appended to it, which is one write to a file,
// and brought into the database soon, many at a time, in front of whatever else the
// next transaction does. So who asks the writer sees all that was logged before,
// and an upload without quota waits for no transaction. An intention that ends
// before it was brought there never goes there.
//
// A log survives a kill of the process, as the write-ahead log of SQLite does; the
// database knows how far it has been brought in (sequence 'ahead'). Its methods are
// safe on nil, which takes nothing.
type ahead struct {
	path  string
	nudge chan struct{} // something waits

	mu     sync.Mutex
	file   *os.File // nil: nothing is taken any more
	size   int64
	number int64 // the last one given, to an operation or to an intention
	ops    []logged
	bytes  int            // of ops
	begun  map[int64]bool // announced here and not ended
}

// logged is one operation.
type logged struct {
	kind   loggedKind
	number int64
	id     int64  // of the intention; 0: none
	at     int64  // Unix microseconds
	record []byte // of an intention or an upload
	s      dataprovider.Settlement
}

type loggedKind byte

const (
	loggedBegin loggedKind = iota + 1
	loggedSettle
	loggedDrop
	loggedUpload // that is complete
)

func (l *logged) size() int {
	n := 64 + len(l.record) + len(l.s.Event)
	for _, p := range l.s.Amended {
		n += len(p.Record)
	}
	return n
}

// openAhead opens the log beside a database, in which all up to applied is there
// already, and no intention has a higher number than highest. What the log has
// beyond waits to be brought in.
func openAhead(path string, applied, highest int64) (*ahead, error) {
	a := &ahead{path: path, nudge: make(chan struct{}, 1), number: max(applied, highest), begun: map[int64]bool{}}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for len(text) > 0 {
		op, rest, ok := readLogged(text)
		if !ok {
			break // the write was cut short: nobody was told that it is there
		}
		a.number = max(a.number, op.number)
		if op.number > applied {
			a.note(op)
		}
		a.size += int64(len(text) - len(rest))
		text = rest
	}
	if err := f.Truncate(a.size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a.file = f
	if len(a.ops) > 0 {
		a.nudge <- struct{}{}
	}
	return a, nil
}

// note keeps an operation for the next transaction.
func (a *ahead) note(op logged) {
	switch op.kind {
	case loggedBegin:
		a.begun[op.id] = true
	default:
		delete(a.begun, op.id)
	}
	a.ops = append(a.ops, op)
	a.bytes += op.size()
}

// take returns a number for an intention that goes into the database at once.
func (a *ahead) take() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	return a.number
}

// log appends an operation, unless it must go to the database itself. The number
// and, of a beginning, the id are set here.
func (a *ahead) log(op logged) (id int64, ok bool) {
	if a == nil {
		return 0, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil || len(a.ops) >= maxAhead || a.bytes >= maxAheadBytes ||
		op.kind != loggedBegin && op.id != 0 && !a.begun[op.id] {
		return 0, false
	}
	op.number = a.number + 1
	if op.kind == loggedBegin {
		op.id = op.number
	}
	text := op.append(nil)
	if _, err := a.file.WriteAt(text, a.size); err != nil {
		if a.file.Truncate(a.size) != nil { // the half of it may be read as a whole later
			a.abandon()
		}
		return 0, false
	}
	a.size += int64(len(text))
	a.number = op.number
	a.note(op)
	select {
	case a.nudge <- struct{}{}:
	default:
	}
	return op.id, true
}

// abandon takes nothing any more. What waits is still brought in.
func (a *ahead) abandon() {
	_ = a.file.Close() // it is of no use
	a.file = nil
}

// waiting reports whether there is anything to be brought into the database.
func (a *ahead) waiting() bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ops) > 0
}

// end makes sure that an intention that was announced here ends in the database
// and not in the log as well; undo says that it did not end after all.
func (a *ahead) end(id int64) (undo func()) {
	if a == nil {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begun[id] {
		return func() {}
	}
	delete(a.begun, id)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.begun[id] = true
	}
}

// nudged tells that something waits.
func (a *ahead) nudged() <-chan struct{} {
	if a == nil {
		return nil
	}
	return a.nudge
}

// batch returns what waits.
func (a *ahead) batch() []logged {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ops[:len(a.ops):len(a.ops)]
}

// applied tells that the first n operations are in the database.
func (a *ahead) applied(n int) {
	if a == nil || n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.ops[:n] {
		a.bytes -= a.ops[i].size()
	}
	a.ops = append([]logged(nil), a.ops[n:]...)
	switch {
	case a.size <= aheadFile || a.file == nil:
	case len(a.ops) > 0:
		a.shorten()
	case a.file.Truncate(0) == nil:
		a.size = 0
	}
}

// shorten begins the log anew with what waits. If it cannot, it goes on as it is.
func (a *ahead) shorten() {
	var text []byte
	for i := range a.ops {
		text = a.ops[i].append(text)
	}
	next := a.path + ".new"
	f, err := os.OpenFile(next, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	if _, err = f.Write(text); err == nil {
		err = os.Rename(next, a.path)
	}
	if err != nil {
		_, _ = f.Close(), os.Remove(next) // the old one is as good
		return
	}
	_ = a.file.Close() // it has no name any more
	a.file, a.size = f, int64(len(text))
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
	if len(a.ops) == 0 {
		if rerr := os.Remove(a.path); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// bringIn puts what was logged into the database, in front of what the transaction
// is for. It returns how much that was.
func (w *writer) bringIn(t *tx) (int, error) {
	ops := w.ahead.batch()
	if len(ops) == 0 {
		return 0, nil
	}
	begins := map[int64][]byte{} // that did not end here
	for i := range ops {
		op := &ops[i]
		if op.kind == loggedBegin {
			begins[op.id] = op.record
			continue
		}
		if op.kind == loggedUpload {
			if err := t.bringUpload(op.record); err != nil {
				return 0, err
			}
			continue
		}
		if _, here := begins[op.id]; here {
			delete(begins, op.id)
		} else if op.id != 0 {
			if _, err := t.exec("DELETE FROM outbox_pending WHERE id = ?", op.id); err != nil {
				return 0, err
			}
		}
		if op.kind == loggedSettle {
			if err := t.bringSettlement(op, begins); err != nil {
				return 0, err
			}
		}
	}
	for id, record := range begins {
		if err := t.intend(id, record); err != nil {
			return 0, err
		}
	}
	const query = "INSERT INTO sequence (name, value) VALUES ('ahead', ?)" +
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	_, err := t.exec(query, ops[len(ops)-1].number)
	return len(ops), err
}

// bringSettlement records deliveries. begins are intentions that are not in the
// database yet.
func (t *tx) bringSettlement(op *logged, begins map[int64][]byte) error {
	for _, p := range op.s.Amended {
		if _, here := begins[p.ID]; here {
			begins[p.ID] = p.Record
			continue
		}
		if err := t.amend(p); err != nil {
			return err
		}
	}
	return t.deliverAll(op.s, op.at)
}

// readAhead opens the log of a database that this process has for itself, and
// brings in what it holds. Without one that can be made the database does all.
func (s *Store) readAhead(t *tx) error {
	var applied, highest int64
	if err := t.row("SELECT coalesce(max(value), 0) FROM sequence WHERE name = 'ahead'", nil, &applied); err != nil {
		return err
	}
	if err := t.row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox_pending'", nil, &highest); err != nil {
		return err
	}
	a, err := openAhead(s.file.path+".events", applied, highest)
	if err != nil {
		if _, serr := os.Stat(s.file.path + ".events"); errors.Is(serr, fs.ErrNotExist) {
			return nil // it cannot be made
		}
		return fmt.Errorf("log of events: %w", err)
	}
	s.ahead, s.writer.ahead = a, a
	return nil
}
