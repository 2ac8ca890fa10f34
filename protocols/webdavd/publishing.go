package webdavd

import (
	"context"
	"sync"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// publishing are the uploads that are becoming files. Each looks for locks after it
// has entered, and a lock that has been granted is told to nobody before those that
// may not have seen it are through: so nothing is published under a lock that its
// holder knows of.
type publishing struct {
	mu    sync.Mutex
	paths map[string]*published
}

type published struct {
	n    int
	done chan struct{} // closed when n is 0
}

// enter notes an upload to a path until leave is called.
func (p *publishing) enter(path string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paths == nil {
		p.paths = map[string]*published{}
	}
	at := p.paths[path]
	if at == nil {
		at = &published{done: make(chan struct{})}
		p.paths[path] = at
	}
	at.n++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if at.n--; at.n == 0 {
			delete(p.paths, path)
			close(at.done)
		}
	}
}

// wait returns when all that were there have left what l covers, or with ctx.
func (p *publishing) wait(ctx context.Context, l dataprovider.Lock) {
	for _, at := range p.covered(l) {
		select {
		case <-at.done:
		case <-ctx.Done():
			return
		}
	}
}

func (p *publishing) covered(l dataprovider.Lock) []*published {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []*published
	for path, at := range p.paths {
		if path == l.Path || l.Deep && vfs.Within(l.Path, path) {
			found = append(found, at)
		}
	}
	return found
}
