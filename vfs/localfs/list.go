package localfs

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"os"
	"runtime"
	"strings"
	"sync"

	"sftpgo/vfs"
)

// maxReaders is how many read one large directory.
const maxReaders = 2

// List yields the entries of a directory in the order of the storage. Staged
// uploads are left out, and so are entries that vanish while it runs.
func (s *FS) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		rel, err := s.enter(ctx, "list", name)
		if err != nil {
			yield(nil, err)
			return
		}
		dir, err := s.t.openDir(rel)
		if err != nil {
			yield(nil, s.t.fail("list", name, err))
			return
		}
		defer dir.Close()
		for entry, err := range entries(ctx, dir) {
			if err != nil {
				yield(nil, s.t.fail("list", name, err))
				return
			}
			if isStaged(entry.Name()) || entry.Name() == vfs.UploadsDir {
				continue
			}
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// entries yields all that is in dir. Each entry is looked at relative to the
// open handle, so that a directory swapped for a link meanwhile leads nowhere.
func entries(ctx context.Context, dir *os.Root) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		d, err := dir.Open(".")
		if err != nil {
			yield(nil, err)
			return
		}
		defer d.Close()
		r := &reader{dir: dir, d: d}
		if p := r.next(); !p.give(ctx, yield) || p.err != nil {
			return
		}
		ahead, stop := r.ahead(ctx)
		defer stop()
		for p := range ahead {
			if !p.give(ctx, yield) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err) // there may be more
		}
	}
}

// page is a piece of a directory. An error ends the directory, io.EOF well.
type page struct {
	infos []fs.FileInfo
	err   error
}

// give yields the page, and tells whether more is wanted.
func (p page) give(ctx context.Context, yield func(fs.FileInfo, error) bool) bool {
	for _, info := range p.infos {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return false
		}
		if !yield(info, nil) {
			return false
		}
	}
	if p.err != nil && p.err != io.EOF {
		yield(nil, p.err)
		return false
	}
	return true
}

// reader reads a directory. Its pages may be read by several at a time.
type reader struct {
	dir *os.Root
	d   *os.File

	mu    sync.Mutex // of the position
	buf   []byte     // for what the system returns
	ended bool
}

// next reads a page: the names one after the other, what they are beside others.
func (r *reader) next() page {
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return page{err: io.EOF}
	}
	names, err := r.names()
	r.ended = err != nil
	r.mu.Unlock()
	p := r.look(names)
	if p.err == nil {
		p.err = err
	}
	return p
}

// ahead reads the rest of a large directory beside who uses it: some wait for the
// system, another formats. Each has one page at the most, and one lies ready. stop
// ends it and waits for the end.
func (r *reader) ahead(ctx context.Context) (pages <-chan page, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan page, 1)
	var running sync.WaitGroup
	for range min(maxReaders, runtime.GOMAXPROCS(0)) {
		running.Go(func() {
			for {
				p := r.next()
				select {
				case ready <- p:
				case <-ctx.Done():
					return
				}
				if p.err != nil {
					return
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(ready)
	}()
	return ready, func() {
		cancel()
		for range ready { // until it is closed
		}
	}
}

// isStaged reports whether base is the name of a staged upload.
func isStaged(base string) bool { return strings.HasPrefix(base, vfs.StagingPrefix) }
