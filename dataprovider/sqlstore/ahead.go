package sqlstore

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
)

const (
	// maxAhead and maxAheadBytes bound what waits for the database: beyond, callers
	// wait for it, too. From the half of it on it is brought in at once.
	maxAhead      = 24000
	maxAheadBytes = 32 << 20
	// aheadFile is how long the log gets before what is in the database leaves it, once
	// that is most of it.
	aheadFile = 4 << 20
	// aheadPiece is how much memory is had at a time for what waits.
	aheadPiece = 256 << 10
)

// ahead is a log in front of the database of a server that has it for itself. What
// changes nothing but the outbox is appended to it, which is one write to a file,
// and brought into the database later, many at a time: when somebody must see it
// there, when there is much of it, or within some time. So an upload without quota
// waits for no transaction. What has ended before that never goes there: an
// intention that was settled, and a delivery that was handed out from here and is
// done (see track).
//
// A log survives a kill of the process, as the write-ahead log of SQLite does; the
// database knows how far it has been brought in (sequence 'ahead'). Its methods are
// safe on nil, which takes nothing.
type ahead struct {
	path  string
	nudge chan struct{} // something waits, or much does

	mu     sync.Mutex
	file   *os.File // nil: nothing is taken any more
	size   int64
	number int64          // the last one given, to an operation or to an intention
	begun  map[int64]bool // announced here and not ended
	direct map[int64]bool // the same, in the database
	pieces [][]byte       // what waits, as it is in the file
	past   int            // of the first piece, in the database already
	spare  [][]byte
	ops    int // that wait
	bytes  int // the same
	docs   int // of uploads
	awake  bool
	called bool // since there is much

	ids    idRange
	order  []*entry // deliveries of what waits, by id
	tracks map[string]*track
	moving bool  // a batch is on its way into the database
	moves  int64 // how many were
	epoch  int64 // grows whenever deliveries in the database may have changed otherwise than by a claim
	keep   int   // how many of the latest that are done are kept; -1: all
	free   []*entry
}

// openAhead opens the log beside a database, in which all up to applied is there
// already, and no intention has a higher number than highest. What the log has
// beyond waits to be brought in.
func openAhead(path string, applied, highest int64, ids idRange) (*ahead, error) {
	a := &ahead{
		path: path, nudge: make(chan struct{}, 1), number: max(applied, highest),
		begun: map[int64]bool{}, direct: map[int64]bool{}, ids: ids, tracks: map[string]*track{}, keep: -1,
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for last := int64(0); len(text) > 0; {
		op, rest, ok := readLogged(text)
		if !ok || op.number <= last {
			break // the write was cut short: nobody was told that it is there; or it is of an earlier round
		}
		last = op.number
		a.number = max(a.number, op.number)
		if op.number > applied {
			a.note(&op, a.encode(a.current(&op)))
		}
		a.size += int64(len(text) - len(rest))
		text = rest
	}
	if err := f.Truncate(a.size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a.file = f
	if a.ops == 0 {
		a.begin()
	}
	return a, nil
}

// current is an operation as this version writes it.
func (a *ahead) current(op *logged) *logged {
	if op.kind == loggedSettled {
		op.kind = loggedEvent
		op.event.targets = unique(op.event.targets)
		op.event.first = a.ids.take(len(op.event.targets))
	}
	return op
}

// encode puts an operation behind what waits.
func (a *ahead) encode(op *logged) (text []byte) {
	last := len(a.pieces) - 1
	if last < 0 || cap(a.pieces[last])-len(a.pieces[last]) < op.room() {
		a.pieces = append(a.pieces, a.piece(op.room()))
		last++
	}
	was := len(a.pieces[last])
	a.pieces[last] = op.append(a.pieces[last])
	return a.pieces[last][was:]
}

// forget takes back what encode did last.
func (a *ahead) forget(text []byte) {
	last := &a.pieces[len(a.pieces)-1]
	*last = (*last)[:len(*last)-len(text)]
}

func (a *ahead) piece(room int) []byte {
	if n := len(a.spare); n > 0 && room <= aheadPiece {
		p := a.spare[n-1]
		a.spare = a.spare[:n-1]
		return p[:0]
	}
	return make([]byte, 0, max(room, aheadPiece))
}

// room is more than the operation needs.
func (l *logged) room() int {
	n := 128 + len(l.record) + len(l.event.eventID) + len(l.event.event) + 8*len(l.event.hashes)
	for _, t := range l.event.targets {
		n += 10 + len(t)
	}
	for _, p := range l.event.amended {
		n += 20 + len(p.Record)
	}
	for i := range l.done {
		n += 80 + len(l.done[i].try.Answer) + len(l.done[i].try.Output)
	}
	return n
}

// note keeps an operation, which is encoded, for a later transaction.
func (a *ahead) note(op *logged, text []byte) {
	switch op.kind {
	case loggedBegin:
		a.begun[op.id] = true
	case loggedEvent:
		delete(a.begun, op.id)
		a.deliver(op, text)
	case loggedDrop:
		delete(a.begun, op.id)
	case loggedUpload:
		a.docs++
	case loggedDone:
		for i := range op.done {
			a.done(&op.done[i])
		}
	}
	a.ops++
	a.bytes += len(text)
	much := a.much()
	if a.awake && (a.called || !much) {
		return
	}
	a.awake, a.called = true, much
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

func (a *ahead) much() bool { return a.ops >= maxAhead/2 || a.bytes >= maxAheadBytes/2 }

// takeID returns a number for an intention that goes into the database at once.
func (a *ahead) takeID() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	a.direct[a.number] = true
	return a.number
}

// log appends an operation, unless it must go to the database itself. The number
// and, of a beginning, the id are set here.
func (a *ahead) log(op *logged) (id int64, ok bool) {
	if a == nil {
		return 0, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.write(op)
}

func (a *ahead) write(op *logged) (id int64, ok bool) {
	if a.file == nil || a.ops >= maxAhead || a.bytes >= maxAheadBytes ||
		op.kind != loggedBegin && op.id != 0 && !a.begun[op.id] {
		return 0, false
	}
	if op.kind == loggedEvent && len(op.event.targets) > 0 {
		if op.event.first = a.ids.take(len(op.event.targets)); op.event.first == 0 {
			return 0, false
		}
	}
	op.number = a.number + 1
	if op.kind == loggedBegin {
		op.id = op.number
	}
	text := a.encode(op)
	if _, err := a.file.WriteAt(text, a.size); err != nil {
		a.forget(text)
		if a.file.Truncate(a.size) != nil { // the half of it may be read as a whole later
			a.abandon()
		}
		return 0, false
	}
	a.size += int64(len(text))
	a.number = op.number
	a.note(op, text)
	return op.id, true
}

// abandon takes nothing any more. What waits is still brought in.
func (a *ahead) abandon() {
	_ = a.file.Close() // it is of no use
	a.file = nil
}

// waiting returns the number up to which something waits to be brought into the
// database; 0: nothing does.
func (a *ahead) waiting() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ops == 0 {
		return 0
	}
	return a.number
}

// before is how many operations wait up to a number, or a few more.
func (a *ahead) before(number int64) int {
	if a == nil || number == 0 {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ops == 0 {
		return 0
	}
	body, _ := nextLogged(a.pieces[0][a.past:])
	return min(a.ops, int(max(0, number-loggedNumber(body)+1)))
}

// portionEnd is the number at which a portion from the beginning ends.
func (a *ahead) portionEnd() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ops == 0 {
		return 0
	}
	body, _ := nextLogged(a.pieces[0][a.past:])
	return loggedNumber(body) + portionSize
}

// uploads is like waiting, for those who ask for uploads.
func (a *ahead) uploads() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.docs == 0 {
		return 0
	}
	return a.number
}

// end makes sure that an intention that was announced here ends in the database
// and not in the log as well. It returns up to where the log must be there before;
// undo says that it did not end after all.
func (a *ahead) end(id int64) (upto int64, undo func()) {
	if a == nil || id == 0 {
		return 0, func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.direct
	switch {
	case a.begun[id]:
		from = a.begun
		fallthrough
	case !a.direct[id]: // the log may have ended it
		if a.ops > 0 {
			upto = a.number
		}
	}
	if !from[id] {
		return upto, func() {}
	}
	delete(from, id)
	return upto, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		from[id] = true
	}
}

// nudged tells that something waits, or that much does.
func (a *ahead) nudged() <-chan struct{} {
	if a == nil {
		return nil
	}
	return a.nudge
}

// crowded reports whether much waits.
func (a *ahead) crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.much()
}

// unique is a list without what is in it twice.
func unique(list []string) []string {
	for i := range list {
		if !slices.Contains(list[:i], list[i]) {
			continue
		}
		out := slices.Clone(list[:i])
		for _, text := range list[i:] {
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
		return out
	}
	return list
}
