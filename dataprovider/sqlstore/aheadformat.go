package sqlstore

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"sftpgo/dataprovider"
)

// The log is a row of operations, each with its length and a checksum in front
// (both four bytes, big endian). Then come the kind, a number that grows, and what
// the kind has. Numbers are varints, texts have their length in front. What is
// behind the last operation is of an earlier round, and has lower numbers.

const loggedHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type loggedKind byte

const (
	loggedBegin   loggedKind = iota + 1
	loggedSettled            // as older versions wrote it; now it is loggedEvent
	loggedDrop
	loggedUpload // that is complete
	loggedEvent  // a settlement
	loggedDone   // deliveries that the log itself handed out
)

// logged is one operation.
type logged struct {
	kind   loggedKind
	number int64
	id     int64  // of the intention; 0: none
	record []byte // of an intention or an upload
	event  settled
	done   []finished
}

// settled is what an operation has that ends an intention with an event, or with
// none.
type settled struct {
	at      int64 // Unix microseconds
	eventID string
	event   []byte
	hashes  []int64 // of its keys
	targets []string
	first   int64 // id of the delivery to the first target; the others follow
	amended []dataprovider.Pending
}

// finished is a delivery that was acknowledged.
type finished struct {
	id   int64
	at   int64 // Unix microseconds
	kept bool  // as history, with the try
	try  dataprovider.Try
}

// append adds the operation to a log.
func (l *logged) append(to []byte) []byte {
	start := len(to)
	var head [loggedHead]byte
	to = append(to, head[:]...)
	to = append(to, byte(l.kind))
	to = binary.AppendVarint(to, l.number)
	switch l.kind {
	case loggedEvent:
		to = binary.AppendVarint(to, l.id)
		to = l.event.append(to)
	case loggedDone:
		to = binary.AppendUvarint(to, uint64(len(l.done)))
		for i := range l.done {
			to = l.done[i].append(to)
		}
	default:
		to = binary.AppendVarint(to, l.id)
		to = binary.AppendVarint(to, 0)
		to = appendText(to, l.record)
		to = append(to, 0, 0, 0, 0, 0) // what older versions look for in each operation
	}
	body := to[start+loggedHead:]
	binary.BigEndian.PutUint32(to[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(to[start+4:], crc32.Checksum(body, castagnoli))
	return to
}

func (s *settled) append(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(len(s.amended)))
	for _, p := range s.amended {
		to = binary.AppendVarint(to, p.ID)
		to = appendText(to, p.Record)
	}
	to = binary.AppendVarint(to, s.at)
	to = binary.AppendVarint(to, s.first)
	to = appendText(to, s.eventID)
	to = binary.AppendUvarint(to, uint64(len(s.hashes)))
	for _, h := range s.hashes {
		to = binary.BigEndian.AppendUint64(to, uint64(h))
	}
	to = appendTexts(to, s.targets)
	return appendText(to, s.event) // last: who encodes knows where it lies
}

func (f *finished) append(to []byte) []byte {
	to = binary.AppendVarint(to, f.id)
	to = binary.AppendVarint(to, f.at)
	if !f.kept {
		return append(to, 0)
	}
	to = append(to, 1)
	if f.try.Failed {
		to[len(to)-1] = 2
	}
	to = binary.AppendVarint(to, f.try.Began.Unix())
	to = binary.AppendVarint(to, int64(f.try.Began.Nanosecond()))
	to = binary.AppendVarint(to, int64(f.try.Took))
	to = appendText(to, f.try.Answer)
	return appendText(to, f.try.Output)
}

func appendText[T string | []byte](to []byte, text T) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

func appendTexts(to []byte, list []string) []byte {
	to = binary.AppendUvarint(to, uint64(len(list)))
	for _, text := range list {
		to = appendText(to, text)
	}
	return to
}

// readLogged reads the first operation of a log; it is not ok if that is not all
// there, or damaged.
func readLogged(text []byte) (op logged, rest []byte, ok bool) {
	if len(text) < loggedHead {
		return op, text, false
	}
	n := int(binary.BigEndian.Uint32(text))
	sum := binary.BigEndian.Uint32(text[4:])
	if n < 1 || n > len(text)-loggedHead {
		return op, text, false
	}
	body := text[loggedHead : loggedHead+n]
	if crc32.Checksum(body, castagnoli) != sum {
		return op, text, false
	}
	op = readBody(body)
	return op, text[loggedHead+n:], op.kind != 0
}

// nextLogged returns the body of the first operation of what is known to be whole.
func nextLogged(text []byte) (body, rest []byte) {
	n := loggedHead + int(binary.BigEndian.Uint32(text))
	return text[loggedHead:n], text[n:]
}

// loggedNumber is the number of an operation.
func loggedNumber(body []byte) int64 {
	number, _ := binary.Varint(body[1:])
	return number
}

// readBody reads one operation; the kind is 0 if it cannot. The bytes in it are
// those of body.
func readBody(body []byte) (op logged) {
	r := loggedReader{rest: body}
	op.kind = loggedKind(r.bytes(1)[0])
	op.number = r.number()
	switch op.kind {
	case loggedEvent:
		op.id = r.number()
		op.event = r.settled()
	case loggedDone:
		for range r.count() {
			op.done = append(op.done, r.finished())
		}
	case loggedBegin, loggedDrop, loggedUpload, loggedSettled:
		op.id, op.event.at = r.number(), r.number()
		op.record = r.text()
		op.event.eventID, op.event.event = string(r.text()), r.text()
		op.event.hashes, op.event.targets = hashKeys(r.texts()), r.texts()
		op.event.amended = r.amended()
	default:
		r.bad = true
	}
	if r.bad || len(r.rest) > 0 {
		op.kind = 0
	}
	return op
}

// readEnd reads of a settlement what does not become deliveries.
func readEnd(body []byte) (id int64, amended []dataprovider.Pending) {
	r := loggedReader{rest: body[1:]}
	r.number()
	id = r.number()
	return id, r.amended()
}

// readRecord reads of an operation what it has that is no settlement.
func readRecord(body []byte) (id int64, record []byte) {
	r := loggedReader{rest: body[1:]}
	r.number()
	id = r.number()
	r.number()
	return id, r.text()
}

// loggedReader reads the body of an operation.
type loggedReader struct {
	rest []byte
	bad  bool
}

func (r *loggedReader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, 8)
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *loggedReader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *loggedReader) count() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(len(r.rest)) { // each element has a byte at least
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *loggedReader) text() []byte { return r.bytes(r.count()) }

func (r *loggedReader) texts() (list []string) {
	for range r.count() {
		list = append(list, string(r.text()))
	}
	return list
}

func (r *loggedReader) amended() (list []dataprovider.Pending) {
	for range r.count() {
		list = append(list, dataprovider.Pending{ID: r.number(), Record: r.text()})
	}
	return list
}

func (r *loggedReader) settled() (s settled) {
	s.amended = r.amended()
	s.at, s.first = r.number(), r.number()
	s.eventID = string(r.text())
	for range r.count() {
		s.hashes = append(s.hashes, int64(binary.BigEndian.Uint64(r.bytes(8))))
	}
	s.targets = r.texts()
	s.event = r.text()
	return s
}

func (r *loggedReader) finished() (f finished) {
	f.id, f.at = r.number(), r.number()
	how := r.bytes(1)[0]
	if f.kept = how > 0; !f.kept {
		return f
	}
	f.try.Failed = how == 2
	f.try.Began = time.Unix(r.number(), r.number()).UTC()
	f.try.Took = time.Duration(r.number())
	f.try.Answer, f.try.Output = string(r.text()), string(r.text())
	return f
}
