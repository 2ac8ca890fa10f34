package localfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"sftpgo/vfs"
)

// pageSize is how many names of a directory are held at a time.
const pageSize = 256

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
			if !yield(&info{FileInfo: entry, name: entry.Name()}, nil) {
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
		p := readPage(dir, d)
		if !p.give(ctx, yield) || p.err != nil {
			return
		}
		ahead, stop := readAhead(ctx, dir, d)
		defer stop()
		for p := range ahead {
			if !p.give(ctx, yield) || p.err != nil {
				return
			}
		}
		yield(nil, ctx.Err()) // the last page did not come
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

func readPage(dir *os.Root, d *os.File) page {
	names, err := d.Readdirnames(pageSize)
	p := page{infos: make([]fs.FileInfo, 0, len(names)), err: err}
	for _, n := range names {
		info, err := dir.Lstat(n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			p.err = err
			return p
		}
		p.infos = append(p.infos, info)
	}
	return p
}

// readAhead reads the rest of a large directory beside who uses it: the one waits
// for the system, the other formats. One page lies ready and one is being read at
// the most. stop ends it and waits for the end.
func readAhead(ctx context.Context, dir *os.Root, d *os.File) (pages <-chan page, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan page, 1)
	go func() {
		defer close(ready)
		for {
			p := readPage(dir, d)
			select {
			case ready <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
		}
	}()
	return ready, func() {
		cancel()
		for range ready { // until it is closed
		}
	}
}

// isStaged reports whether base is the name of a staged upload.
func isStaged(base string) bool { return strings.HasPrefix(base, vfs.StagingPrefix) }
