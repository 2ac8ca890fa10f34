package session

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// ledger keeps the accounts exact when several clients change one file. What
// counts for an entry of a directory is what lies there. While somebody writes
// the file in place it is what lay there before the first of them began, and
// whatever is done to the file by then is booked by the last of them: one change
// of usage, and as long as it is open nobody can use twice what the file takes.
//
// A file with several names counts once. It goes with the last of them, so that
// an entry with a file that has others counts for nothing. Who books such a file
// locks it, besides the place of its name.
type ledger struct {
	// tree is held by all who book, and by a rename of a directory alone: it takes
	// along what others have looked up below it, and a crash must not find their
	// intentions under names that have gone.
	tree sync.RWMutex

	mu      sync.Mutex
	pages   map[string]*page // by place
	uploads map[*Transfer]struct{}
	objects map[*object]struct{} // that have writers
	files   map[string]*object   // the same, by identity
	watches map[string]*watched  // by storage path

	watchings atomic.Uint64 // watches that were begun, ever
}

// page is the account of one entry. It exists while somebody uses it.
type page struct {
	mu    sync.Mutex
	users int // under ledger.mu

	open    *object             // written in place
	counted dataprovider.Amount // last booked, for those who keep the page
}

// object is a file that is written in place. It is what is counted, not its
// name: a rename takes it along, and one that was removed lives on unseen.
type object struct {
	id      string
	counted dataprovider.Amount // what usage has for it
	room    *room               // for growth, of all writers

	// Under ledger.mu.
	place   string // its page; "" when its name was taken away
	writers map[*Transfer]struct{}
}

func newLedger() *ledger {
	return &ledger{
		pages: map[string]*page{}, uploads: map[*Transfer]struct{}{},
		objects: map[*object]struct{}{}, files: map[string]*object{}, watches: map[string]*watched{},
	}
}

// pages are the locked accounts of some places.
type pages struct {
	l      *ledger
	places []string // sorted, without doubles
	list   []*page
	alone  bool // nobody else has any
	gates  []*watched
}

// lock waits until nobody else books any of the places.
func (l *ledger) lock(places ...string) *pages {
	l.tree.RLock()
	return l.lockPages(&pages{l: l}, places)
}

// lockAlone waits until nobody else books anything.
func (l *ledger) lockAlone(places ...string) *pages {
	l.tree.Lock()
	return l.lockPages(&pages{l: l, alone: true}, places)
}

func (l *ledger) lockPages(p *pages, places []string) *pages {
	slices.Sort(places)
	p.places = slices.Compact(places)
	p.list = make([]*page, len(p.places))
	for i, place := range p.places {
		p.list[i] = l.keep(place)
	}
	for _, pg := range p.list {
		pg.mu.Lock()
	}
	return p
}

func (p *pages) unlock() {
	for i, pg := range p.list {
		pg.mu.Unlock()
		p.l.release(p.places[i], pg)
	}
	if p.alone {
		p.l.tree.Unlock()
	} else {
		p.l.tree.RUnlock()
	}
	for _, w := range p.gates {
		w.gate.RUnlock()
	}
}

// keep makes a page stay until release.
func (l *ledger) keep(place string) *page {
	l.mu.Lock()
	defer l.mu.Unlock()
	pg := l.pages[place]
	if pg == nil {
		pg = &page{}
		l.pages[place] = pg
	}
	pg.users++
	return pg
}

func (l *ledger) release(place string, pg *page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if pg.users--; pg.users == 0 {
		delete(l.pages, place)
	}
}

func (p *pages) page(place string) *page {
	i, ok := slices.BinarySearch(p.places, place)
	if !ok {
		panic("session: place is not locked")
	}
	return p.list[i]
}

// has reports whether all of the keys are locked.
func (p *pages) has(keys []string) bool {
	for _, key := range keys {
		if _, ok := slices.BinarySearch(p.places, key); !ok {
			return false
		}
	}
	return true
}

// keyOf is what is locked of a file itself. No place begins so.
func keyOf(id string) string { return "\x00" + id }

// fileKey is the key of what lies at place, or "" when only the place must be
// locked: of a file that has no other name and is written under no other.
func (l *ledger) fileKey(place string, info fs.FileInfo) string {
	id := vfs.FileIDOf(info)
	if id == "" || !info.Mode().IsRegular() {
		return ""
	}
	if o := l.written(info); vfs.NamesOf(info) > 1 || o != nil && l.placeOf(o) != place {
		return keyOf(id)
	}
	return ""
}

// written finds what is written in place by what it is, whatever its name; nil is
// nothing.
func (l *ledger) written(info fs.FileInfo) *object {
	id := vfs.FileIDOf(info)
	if id == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[id]
}

// found tells what is counted for an entry that holds info, and who writes it in
// place under this name. What is being written counts for its writers.
func (p *pages) found(place string, info fs.FileInfo) (dataprovider.Amount, *object) {
	pg := p.page(place)
	if pg.open != nil && (info == nil || pg.open.id != vfs.FileIDOf(info)) {
		p.l.detach(pg) // somebody else took the name away
	}
	if pg.open != nil {
		return noAmount, pg.open
	}
	if p.l.written(info) != nil {
		return noAmount, nil
	}
	return leaving(info), nil
}

// detach separates the file that is being written from its name. The page is
// locked.
func (l *ledger) detach(pg *page) {
	if pg.open == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	pg.users-- // whoever locked it still holds one
	pg.open.place = ""
	pg.open = nil
}

// detach is the same for a file that may have been detached before.
func (p *pages) detach(o *object) {
	for _, pg := range p.list {
		if pg.open == o {
			p.l.detach(pg)
		}
	}
}

// replaced notes that info, which lay at place, has lost this name. It returns what
// the intentions of those who write it must say then.
func (p *pages) replaced(place, path string, info fs.FileInfo) []dataprovider.Pending {
	pg := p.page(place)
	o := pg.open
	if o == nil {
		o = p.l.written(info) // under another name
	}
	if o == nil {
		return nil
	}
	list := p.l.intentions(path, path, o, vfs.NamesOf(info) > 1)
	p.l.detach(pg)
	return list
}

// book notes what is counted for place from now on.
func (p *pages) book(place string, after dataprovider.Amount) { p.page(place).counted = after }

// bookOpen is book for the entry in which o is written, if it still has one.
func (p *pages) bookOpen(o *object, after dataprovider.Amount) {
	for _, pg := range p.list {
		if pg.open == o {
			pg.counted = after
		}
	}
}

// attach makes o what lies at place. The page is locked.
func (p *pages) attach(place string, o *object) {
	pg := p.page(place)
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	pg.users++ // the page stays while the file is open
	pg.open, o.place = o, place
}

// enter adds a writer.
func (l *ledger) enter(o *object, t *Transfer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.writers[t] = struct{}{}
	l.objects[o] = struct{}{}
	if o.id != "" {
		l.files[o.id] = o
	}
	t.up.object = o
}

// leave takes a writer away and reports whether it was the last.
func (l *ledger) leave(t *Transfer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(t.up.object.writers, t)
	if len(t.up.object.writers) > 0 {
		return false
	}
	delete(l.objects, t.up.object)
	return true
}

// retire forgets a file that the last writer has left, and that has been looked at
// since: from now on what lies there counts. Before, it is the key to its lock for
// those who know another name.
func (p *pages) retire(o *object) {
	p.detach(o)
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	delete(p.l.files, o.id)
}

// lockOpen locks the file that an upload writes in place, and the page that it has
// by now; none when its name was taken away.
func (l *ledger) lockOpen(o *object) *pages {
	for {
		place := l.placeOf(o)
		var keys []string
		if o.id != "" {
			keys = append(keys, keyOf(o.id))
		}
		if place != "" {
			keys = append(keys, place)
		}
		pg := l.lock(keys...)
		if l.placeOf(o) == place {
			return pg
		}
		pg.unlock()
	}
}

func (l *ledger) placeOf(o *object) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return o.place
}

func (l *ledger) register(t *Transfer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uploads[t] = struct{}{}
}

func (l *ledger) forget(t *Transfer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.uploads, t)
}

// moved lets uploads that run follow a rename, so that their events name the file
// where it is. o is what is written at the old name; nil for a directory, which
// takes along what is uploaded to it.
func (l *ledger) moved(from, to string, isDir bool, o *object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range l.uploads {
		if isDir || o != nil && t.up.object == o {
			t.follow(from, to)
		}
	}
}

// follow changes the name that a rename of storage paths changed, if it is one
// that this user still sees.
func (t *Transfer) follow(from, to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.s.path(t.name)
	if !vfs.Within(from, at) {
		return
	}
	t.call(t.s.name(to+strings.TrimPrefix(at, from), t.name))
}

// intentions returns those of writers in place as they must be from now on, since
// their file is not where they say. With o it is those of its writers; else those
// of what a directory holds that moves. from and to are storage paths without
// links, the same when the name goes to another file; lost says that it has others.
func (l *ledger) intentions(from, to string, o *object, lost bool) []dataprovider.Pending {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []dataprovider.Pending
	for t := range l.uploads {
		if t.up.intent == 0 || t.up.object == nil || o != nil && t.up.object != o {
			continue
		}
		in := *t.up.stated
		at := t.s.path(in.Name)
		if o == nil && !vfs.Within(from, at) {
			continue
		}
		in.FileID = t.up.object.id
		in.Lost = in.Lost || lost
		if rest, ok := strings.CutPrefix(at, from); ok && from != to {
			in.Name = t.s.name(to+rest, in.Name)
		}
		in.Event.Object.Name = t.Name()
		in.Event.Object.Path = t.s.path(in.Event.Object.Name)
		record, err := in.appendJSON(nil)
		if err != nil {
			continue // it was encoded before
		}
		t.up.stated = &in
		list = append(list, dataprovider.Pending{ID: t.up.intent, Record: record})
	}
	return list
}
