package sqlstore

import (
	"sync"

	"sftpgo/dataprovider"
)

// What is kept of records that were read: not more than so many, and none whose
// document is larger.
const (
	maxRecent         = 1000
	maxRecentDocument = 64 << 10 // bytes
)

// recent keeps records that were read, decoded, so that who reads one again need only
// make sure that it is still the same. It is safe for concurrent use.
type recent[T any] struct {
	mu      sync.Mutex
	records map[string]*recentRecord[T]
}

// recentRecord is a record. Nobody changes it, nor what it refers to.
type recentRecord[T any] struct {
	value T
	id    int64
	rev   dataprovider.Revision
	doc   []byte  // which value was decoded from
	as    version // of the database, in which that was stored; perhaps unknown
}

// get returns nil if the record is not kept.
func (r *recent[T]) get(name string) *recentRecord[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[name]
}

func (r *recent[T]) put(name string, rec *recentRecord[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(rec.doc) > maxRecentDocument {
		delete(r.records, name)
		return
	}
	if r.records == nil {
		r.records = map[string]*recentRecord[T]{}
	}
	if _, there := r.records[name]; !there && len(r.records) >= maxRecent {
		for other := range r.records { // any
			delete(r.records, other)
			break
		}
	}
	r.records[name] = rec
}

func (r *recent[T]) drop(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.records, name)
}
