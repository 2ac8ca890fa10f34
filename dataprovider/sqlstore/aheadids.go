package sqlstore

import (
	"database/sql"
	"errors"
)

// idRange are ids of deliveries that were taken out of the sequence of the database
// and not given yet. So what is logged has an id, which grows in settle order, before
// the database has heard of it.
type idRange struct {
	next int64
	end  int64 // the first that is not ours; negative: no more are wanted
}

// idReserve is how many ids are had at a time.
const idReserve = 1 << 16

// take returns the first of n ids that follow each other; 0: there are not so many.
func (r *idRange) take(n int) int64 {
	if r.end-r.next < int64(n) {
		return 0
	}
	r.next += int64(n)
	return r.next - int64(n)
}

// deliveryID returns the id of a delivery that goes into the database at once; 0: the
// database gives one.
func (a *ahead) deliveryID() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ids.take(1)
}

// scarce reports whether ids should be had.
func (a *ahead) scarce() bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ids.end >= 0 && a.ids.end-a.ids.next < idReserve/2
}

// grant gives ids, which the database will not give. Should others have taken ids
// since, what is left of the old ones is not used any more.
func (a *ahead) grant(r idRange) {
	if a == nil || r == (idRange{}) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids.end == r.next {
		r.next = a.ids.next
	}
	a.ids = r
}

// unused returns what is left, and gives none any more.
func (a *ahead) unused() idRange {
	if a == nil {
		return idRange{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.ids
	a.ids = idRange{end: -1}
	return r
}

// reserveIDs takes ids out of the sequence.
func (t *tx) reserveIDs() (r idRange, err error) {
	err = t.row("SELECT seq FROM sqlite_sequence WHERE name = 'outbox_delivery'", nil, &r.next)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = t.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox_delivery', 0)")
	}
	if err != nil {
		return r, err
	}
	r.next++
	r.end = r.next + idReserve
	_, err = t.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = 'outbox_delivery'", r.end-1)
	return r, err
}

// returnIDs gives back what was not used, if nobody has taken any since.
func (t *tx) returnIDs(r idRange) error {
	_, err := t.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = 'outbox_delivery' AND seq = ?", r.next-1, r.end-1)
	return err
}
