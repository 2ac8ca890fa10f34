package session

import "sync"

// records are buffers for what goes into the outbox. A store copies what it keeps, so
// that a buffer is free again when the store has answered.
type records struct{ pool sync.Pool }

// record is one of them.
type record struct{ bytes []byte }

// recordLimit is the largest that is kept for others, in bytes.
const recordLimit = 16 << 10

func (r *records) get() *record {
	if kept, ok := r.pool.Get().(*record); ok {
		return kept
	}
	return &record{bytes: make([]byte, 0, 1<<10)}
}

func (r *records) put(kept *record) {
	if cap(kept.bytes) <= recordLimit {
		r.pool.Put(kept)
	}
}

// write fills the buffer.
func (r *record) write(appendTo func([]byte) ([]byte, error)) error {
	text, err := appendTo(r.bytes[:0])
	if err != nil {
		return err
	}
	r.bytes = text
	return nil
}
