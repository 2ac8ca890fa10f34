package sqlstore

import (
	"encoding/binary"
	"hash/crc32"

	"sftpgo/dataprovider"
)

// The log is a row of operations, each with its length and a checksum in front
// (both four bytes, big endian). Numbers are varints, texts have their length in
// front.

const loggedHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append adds the operation to a log.
func (l *logged) append(to []byte) []byte {
	start := len(to)
	to = append(to, make([]byte, loggedHead)...)
	to = append(to, byte(l.kind))
	to = binary.AppendVarint(to, l.number)
	to = binary.AppendVarint(to, l.id)
	to = binary.AppendVarint(to, l.at)
	to = appendText(to, l.record)
	to = appendText(to, l.s.EventID)
	to = appendText(to, l.s.Event)
	to = appendTexts(to, l.s.Keys)
	to = appendTexts(to, l.s.Targets)
	to = binary.AppendUvarint(to, uint64(len(l.s.Amended)))
	for _, p := range l.s.Amended {
		to = binary.AppendVarint(to, p.ID)
		to = appendText(to, p.Record)
	}
	body := to[start+loggedHead:]
	binary.BigEndian.PutUint32(to[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(to[start+4:], crc32.Checksum(body, castagnoli))
	return to
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
	r := loggedReader{rest: body}
	op.kind = loggedKind(r.bytes(1)[0])
	op.number, op.id, op.at = r.number(), r.number(), r.number()
	op.record = r.text()
	op.s.EventID, op.s.Event = string(r.text()), r.text()
	op.s.Keys, op.s.Targets = r.texts(), r.texts()
	for range r.count() {
		op.s.Amended = append(op.s.Amended, dataprovider.Pending{ID: r.number(), Record: r.text()})
	}
	valid := op.kind >= loggedBegin && op.kind <= loggedUpload && !r.bad && len(r.rest) == 0
	return op, text[loggedHead+n:], valid
}

// loggedReader reads the body of an operation. What it returns is its own.
type loggedReader struct {
	rest []byte
	bad  bool
}

func (r *loggedReader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, 1)
	}
	b := r.rest[:n]
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

func (r *loggedReader) text() []byte { return append([]byte{}, r.bytes(r.count())...) }

func (r *loggedReader) texts() (list []string) {
	for range r.count() {
		list = append(list, string(r.text()))
	}
	return list
}
