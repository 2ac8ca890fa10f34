package session

import (
	"io/fs"
	"slices"
	"sync"

	"sftpgo/dataprovider"
)

// ledger keeps the accounts exact when several clients change one file: it says
// what is counted for a storage path at this moment. For most paths that is what
// lies in the storage. While somebody writes a file in place it is what was
// there before the first of them began, since nothing of theirs is booked yet.
type ledger struct {
	mu    sync.Mutex
	pages map[string]*page
}

// page is the account of one path. It exists while somebody uses it.
type page struct {
	mu      sync.Mutex
	users   int // under ledger.mu
	writers int // in place
	counted dataprovider.Amount
}

func newLedger() *ledger { return &ledger{pages: map[string]*page{}} }

// pages are the locked accounts of some paths.
type pages struct {
	l     *ledger
	paths []string // sorted, without doubles
	list  []*page
}

// lock waits until nobody else books any of the paths.
func (l *ledger) lock(paths ...string) *pages {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	p := &pages{l: l, paths: paths, list: make([]*page, len(paths))}
	l.mu.Lock()
	for i, path := range paths {
		pg := l.pages[path]
		if pg == nil {
			pg = &page{}
			l.pages[path] = pg
		}
		pg.users++
		p.list[i] = pg
	}
	l.mu.Unlock()
	for _, pg := range p.list {
		pg.mu.Lock()
	}
	return p
}

func (p *pages) unlock() {
	for _, pg := range p.list {
		pg.mu.Unlock()
	}
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	for i, pg := range p.list {
		p.release(i, pg)
	}
}

func (p *pages) release(i int, pg *page) {
	if pg.users--; pg.users == 0 {
		delete(p.l.pages, p.paths[i])
	}
}

func (p *pages) page(path string) *page {
	i, ok := slices.BinarySearch(p.paths, path)
	if !ok {
		panic("session: path is not locked")
	}
	return p.list[i]
}

// before tells what is counted for path, given what lies there now.
func (p *pages) before(path string, now dataprovider.Amount) dataprovider.Amount {
	if pg := p.page(path); pg.writers > 0 {
		return pg.counted
	}
	return now
}

// book notes that after is counted for path from now on.
func (p *pages) book(path string, after dataprovider.Amount) { p.page(path).counted = after }

// enter notes a writer in place; now is what lies at path before it began.
func (p *pages) enter(path string, now dataprovider.Amount) {
	pg := p.page(path)
	if pg.writers == 0 {
		pg.counted = now
	}
	pg.writers++
	p.l.mu.Lock()
	pg.users++ // the page stays until leave
	p.l.mu.Unlock()
}

// leave ends what enter began.
func (p *pages) leave(path string) {
	pg := p.page(path)
	pg.writers--
	p.l.mu.Lock()
	pg.users-- // unlock still holds one
	p.l.mu.Unlock()
}

// amountOf is what a file counts for: only regular files count.
func amountOf(info fs.FileInfo) dataprovider.Amount {
	if info == nil || !info.Mode().IsRegular() {
		return dataprovider.Amount{}
	}
	return dataprovider.Amount{Files: 1, Bytes: info.Size()}
}

func minus(a, b dataprovider.Amount) dataprovider.Amount {
	return dataprovider.Amount{Files: a.Files - b.Files, Bytes: a.Bytes - b.Bytes}
}
