package session

import (
	"context"
	"sync"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// watched is a home in which external programs write. What they change is found
// by counting; what sessions book meanwhile is added to what is known, so that the
// difference is the work of the programs alone.
type watched struct {
	root string // storage path
	// gate is held by who books something in the home, and alone by who counts it.
	gate sync.RWMutex

	// Under ledger.mu.
	users   int
	counted dataprovider.Amount // what is booked for the home by all, from its first count
	known   bool                // it was counted
}

// watch makes what is booked below root known to the result, until unwatch. The
// gate of the result is closed, and nobody is inside.
func (l *ledger) watch(root string) *watched {
	l.mu.Lock()
	w := l.watches[root]
	fresh := w == nil
	if fresh {
		w = &watched{root: root}
		w.gate.Lock()
		l.watches[root] = w
		l.watchings.Add(1)
	}
	w.users++
	l.mu.Unlock()
	if fresh {
		l.lockAlone().unlock() // those who did not see the gate have gone then
	} else {
		w.gate.Lock()
	}
	return w
}

func (l *ledger) unwatch(w *watched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.users--; w.users == 0 {
		delete(l.watches, w.root)
	}
}

// pass locks for a session whose home is root, after going through the gates of
// the homes that programs work in and that overlap.
func (l *ledger) pass(root string, lock func() *pages) *pages {
	for {
		seen := l.watchings.Load()
		gates := l.overlapping(root)
		for _, w := range gates {
			w.gate.RLock()
		}
		pg := lock()
		pg.gates = gates
		if l.watchings.Load() == seen {
			return pg
		}
		pg.unlock()
	}
}

// overlapping returns the watched homes that a session with the home root may
// change.
func (l *ledger) overlapping(root string) []*watched {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*watched
	for _, w := range l.watches {
		if vfs.Within(w.root, root) || vfs.Within(root, w.root) {
			list = append(list, w)
		}
	}
	return list
}

// booked notes a change of usage by a session. Of one whose home is around that of
// the program only an event tells where it was.
func (l *ledger) booked(root string, e *actions.Event, delta dataprovider.Amount) {
	if delta.IsZero() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.watches {
		if vfs.Within(w.root, root) || e != nil && (vfs.Within(w.root, e.Object.Path) || vfs.Within(w.root, e.Object.TargetPath)) {
			w.counted = w.counted.Add(delta)
		}
	}
}

// count counts the files below root of the storage f. What is being written in
// place counts for what is booked for it, also when its name has gone. With the
// gate open the result is a guess.
func (l *ledger) count(ctx context.Context, f vfs.FS, root string) (dataprovider.Amount, error) {
	open, booked := l.writing(root)
	total, err := countBut(ctx, f, "/", open)
	return total.Add(booked), err
}

// writing returns the identities of the files that are written in place below
// root, and what is booked for them.
func (l *ledger) writing(root string) (map[string]bool, dataprovider.Amount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var booked dataprovider.Amount
	ids := map[string]bool{}
	for o := range l.objects {
		for t := range o.writers {
			if vfs.Within(root, t.s.path(t.Name())) {
				ids[o.id] = true
				booked = booked.Add(o.counted)
				break
			}
		}
	}
	return ids, booked
}
