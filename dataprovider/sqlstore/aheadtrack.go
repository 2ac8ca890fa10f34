package sqlstore

import (
	"cmp"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// track is what waits for one target, in front of the database. While the database
// has nothing for the target that could be claimed, deliveries are handed out from
// here, in the order and by the rule of keys that the database has; what is done is
// one more operation in the log. As soon as anything does not go smoothly, all is
// brought into the database, and the target is served from there until it has
// caught up.
type track struct {
	target string
	open   bool             // deliveries are handed out from here
	looked time.Time        // when the database was last seen to have nothing
	ready  []*entry         // nothing is before them, by id
	tails  map[int64]*entry // the last one of each key that is held
	taken  []*entry         // handed out; also what the database has handed out and is not done
}

// entry is a delivery. Its event lies in what waits for the database, so that it is
// not to be used any more when that is there.
type entry struct {
	id      int64
	number  int64 // of the operation
	track   *track
	eventID string
	event   []byte
	settled int64 // Unix microseconds
	hashes  [maxKeys]int64
	keys    int     // how many hashes there are
	more    []int64 // all hashes, if they are too many; then the line is not open

	state   entryState
	expires int64           // Unix microseconds; of one that is taken
	waits   int             // for how many keys
	next    [maxKeys]*entry // behind it, for each key
	end     finished
}

// maxKeys is how many keys an event has, see dataprovider.Settlement.
const maxKeys = 2

type entryState byte

const (
	entryWaits entryState = iota
	entryTaken
	entryDone
)

func (e *entry) hashList() []int64 {
	if e.more != nil {
		return e.more
	}
	return e.hashes[:e.keys]
}

// deliver makes the deliveries of a settlement. text is how it is encoded: the
// event is at its end.
func (a *ahead) deliver(op *logged, text []byte) {
	for i, target := range op.event.targets {
		e := a.entry()
		e.id, e.number, e.track = op.event.first+int64(i), op.number, a.track(target)
		if op.event.first == 0 {
			e.id = 0 // the database gives one
		}
		e.eventID, e.event, e.settled = op.event.eventID, text[len(text)-len(op.event.event):], op.event.at
		e.keys = copy(e.hashes[:], op.event.hashes)
		if len(op.event.hashes) > maxKeys {
			e.more = op.event.hashes
			e.track.leave()
		}
		a.order = append(a.order, e)
		if e.track.open {
			e.track.add(e)
		}
	}
}

func (a *ahead) entry() *entry {
	if n := len(a.free); n > 0 {
		e := a.free[n-1]
		a.free = a.free[:n-1]
		return e
	}
	return &entry{}
}

// release forgets the first n deliveries, which are in the database or done.
func (a *ahead) release(n int) {
	for _, e := range a.order[:n] {
		if len(a.free) < maxAhead/2 {
			*e = entry{}
			a.free = append(a.free, e)
		}
	}
	clear(a.order[:n])
	if a.order = a.order[n:]; len(a.order) == 0 {
		a.order = a.order[:0]
	}
}

func (a *ahead) track(target string) *track {
	l := a.tracks[target]
	if l == nil {
		l = &track{target: target}
		a.tracks[target] = l
	}
	return l
}

// find returns a delivery that is not in the database yet.
func (a *ahead) find(id int64) *entry {
	i, ok := slices.BinarySearchFunc(a.order, id, func(e *entry, id int64) int { return cmp.Compare(e.id, id) })
	if !ok {
		return nil
	}
	return a.order[i]
}

// add puts a delivery at the end of the line.
func (l *track) add(e *entry) {
	e.waits = 0
	for i, h := range e.hashes[:e.keys] {
		if before := l.tails[h]; before != nil {
			before.next[slices.Index(before.hashes[:before.keys], h)] = e
			e.waits++
		}
		e.next[i] = nil
		l.tails[h] = e
	}
	if e.waits == 0 && e.state == entryWaits {
		l.ready = append(l.ready, e)
	}
}

// remove takes a delivery that was first out of the line.
func (l *track) remove(e *entry) {
	l.taken = slices.DeleteFunc(l.taken, func(t *entry) bool { return t == e })
	for i, h := range e.hashes[:e.keys] {
		if l.tails[h] == e {
			delete(l.tails, h)
		}
		next := e.next[i]
		if e.next[i] = nil; next == nil {
			continue
		}
		if next.waits--; next.waits == 0 && next.state == entryWaits {
			at, _ := slices.BinarySearchFunc(l.ready, next.id, func(e *entry, id int64) int { return cmp.Compare(e.id, id) })
			l.ready = slices.Insert(l.ready, at, next)
		}
	}
}

// leave hands out nothing any more.
func (l *track) leave() {
	l.open, l.ready, l.tails, l.taken = false, nil, nil, nil
}

// changes is a number that grows with each change of deliveries in the database other
// than a claim.
func (a *ahead) changes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.epoch
}

// enter hands out what waits from now on. taken is what the database has handed
// out, by id; it had nothing else for the target at that epoch.
func (a *ahead) enter(target string, taken []*entry, epoch int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.epoch != epoch {
		return
	}
	l := a.track(target)
	l.leave()
	l.open, l.tails, l.looked = true, map[int64]*entry{}, time.Now()
	for _, e := range taken {
		e.track = l
		if l.add(e); e.waits > 0 {
			l.leave()
			return
		}
	}
	l.taken = taken
	for _, e := range a.order {
		if e.track != l || e.state == entryDone {
			continue
		}
		if e.more != nil {
			l.leave()
			return
		}
		l.add(e)
	}
}

// claim hands out deliveries, unless the database must be asked.
func (a *ahead) claim(target string, n int, now time.Time, ttl time.Duration) (out []dataprovider.Delivery, ok bool) {
	if a == nil {
		return nil, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.tracks[target]
	if l == nil || !l.open {
		return nil, false
	}
	at := now.UnixMicro()
	for _, e := range l.taken {
		if e.expires <= at {
			l.leave()
			return nil, false
		}
	}
	n = min(n, len(l.ready))
	if n == 0 {
		return nil, true
	}
	out = make([]dataprovider.Delivery, n)
	for i, e := range l.ready[:n] {
		e.state, e.expires = entryTaken, now.Add(ttl).UnixMicro()
		out[i] = dataprovider.Delivery{
			ID: e.id, EventID: e.eventID, Event: slices.Clone(e.event), Target: target,
			Attempt: 1, Settled: time.UnixMicro(e.settled),
		}
	}
	l.taken = append(l.taken, l.ready[:n]...)
	clear(l.ready[:n])
	if l.ready = l.ready[n:]; len(l.ready) == 0 {
		l.ready = nil
	}
	return out, true
}

// lookPause is how long the database is not looked at for what other processes
// have put there.
const lookPause = 400 * time.Millisecond

// look reports whether it is time to look into the database for a target that is
// served from here.
func (a *ahead) look(target string) bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.tracks[target]
	if l == nil || !l.open || time.Since(l.looked) < lookPause {
		return false
	}
	l.looked = time.Now()
	return true
}

// knows reports whether all of list is known to have been handed out.
func (a *ahead) knows(target string, list []*entry) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.track(target)
	for _, e := range list {
		if !slices.ContainsFunc(l.taken, func(t *entry) bool { return t.id == e.id }) {
			return false
		}
	}
	return true
}

// acknowledge logs what is done of what was handed out from here. It returns what
// it does not know of.
func (a *ahead) acknowledge(done []finished) (rest []finished) {
	if a == nil {
		return done
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	op := logged{kind: loggedDone}
	for _, f := range done {
		e := a.find(f.id)
		switch {
		case e != nil && e.state == entryDone: // again
		case e != nil && e.state == entryTaken && e.track.open:
			op.done = append(op.done, f)
		default:
			rest = append(rest, f)
		}
	}
	if len(op.done) > 0 {
		if _, ok := a.write(&op); !ok {
			rest = append(rest, op.done...)
		}
	}
	return rest
}

// done notes that a delivery is.
func (a *ahead) done(f *finished) {
	e := a.find(f.id)
	if e == nil || e.state == entryDone {
		return
	}
	e.state, e.end = entryDone, *f
	if e.track.open {
		e.track.remove(e)
	}
}

// freed tells that deliveries which the database had handed out are done.
func (a *ahead) freed(ids []int64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.tracks {
		for _, e := range slices.Clone(l.taken) {
			if e.number == 0 && slices.Contains(ids, e.id) {
				l.remove(e)
			}
		}
	}
}

// needs returns up to where the log must be in the database before deliveries can
// be changed there.
func (a *ahead) needs(ids ...int64) int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if a.find(id) != nil {
			return a.number
		}
	}
	return 0
}

// yield has targets served from the database from now on.
func (a *ahead) yield(is func(l *track) bool) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch++
	for _, l := range a.tracks {
		if l.open && is(l) {
			l.leave()
		}
	}
}

// letGo ends the leases of a target, which is served from the database from now on.
func (a *ahead) letGo(target string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch++
	for _, e := range a.order {
		if e.track.target == target && e.state == entryTaken {
			e.expires = 0
		}
	}
	a.track(target).leave()
}

// expiry returns when the lease of a delivery ends that was handed out.
func (a *ahead) expiry(e *entry) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return e.expires
}

// toTarget and holding say of which track one speaks.
func toTarget(target string) func(*track) bool {
	return func(l *track) bool { return l.target == target }
}

func holding(id int64) func(*track) bool {
	return func(l *track) bool {
		return slices.ContainsFunc(l.taken, func(e *entry) bool { return e.id == id })
	}
}

func anyTrack(*track) bool { return true }
