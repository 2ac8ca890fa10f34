package localfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Sweep removes staged uploads that nobody holds open any more, in the whole
// tree, and returns how many. Uploads in progress, of this process and of
// others on the same storage, are left alone, so it may run at any time. It
// goes on past what it cannot read and returns the first such failure.
func (s *FS) Sweep(ctx context.Context) (int, error) {
	rel, err := s.enter(ctx, "sweep", "/")
	if err != nil {
		return 0, err
	}
	w := sweeper{ctx: ctx, t: s.t}
	w.walk(rel)
	return w.removed, w.err
}

// sweeper walks a tree. It holds one directory at a time, and of those above
// only the names of the sub-directories that are still to be visited.
type sweeper struct {
	ctx     context.Context
	t       *tree
	removed int
	err     error // the first
}

func (w *sweeper) walk(rel string) {
	subs := w.sweepDir(rel)
	for _, sub := range subs {
		if err := w.ctx.Err(); err != nil {
			w.failed(rel, err)
			return
		}
		if rel == "." {
			w.walk(sub)
		} else {
			w.walk(rel + "/" + sub)
		}
	}
}

// sweepDir clears one directory and returns the names of those in it.
func (w *sweeper) sweepDir(rel string) (subs []string) {
	dir, err := w.t.openDir(rel)
	if err != nil {
		w.failed(rel, err)
		return nil
	}
	defer dir.Close()
	for fi, err := range entries(w.ctx, dir) {
		if err != nil {
			w.failed(rel, err)
			return nil
		}
		if fi.IsDir() {
			subs = append(subs, fi.Name())
			continue
		}
		if !isStaged(fi.Name()) {
			continue
		}
		gone, err := removeAbandoned(dir, fi)
		if err != nil {
			w.failed(rel, err)
		}
		if gone {
			w.removed++
		}
	}
	return subs
}

// failed keeps the first failure; what vanished meanwhile is none.
func (w *sweeper) failed(rel string, err error) {
	if errors.Is(err, fs.ErrNotExist) || w.err != nil {
		return
	}
	name := "/"
	if rel != "." {
		name += rel
	}
	w.err = w.t.fail("sweep", name, err)
}

// removeAbandoned removes the staged file in dir unless somebody holds it.
func removeAbandoned(dir *os.Root, fi fs.FileInfo) (bool, error) {
	if !fi.Mode().IsRegular() {
		return false, nil
	}
	f, err := dir.OpenFile(fi.Name(), os.O_RDONLY|openNonblock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if !abandoned(f, fi) {
		return false, nil
	}
	err = dir.Remove(fi.Name())
	if errors.Is(err, fs.ErrNotExist) {
		// Its writer published or dropped it before it let go.
		return false, nil
	}
	return err == nil, err
}

// What a directory holds after its abandoned uploads were removed.
type contents int

const (
	isEmpty contents = iota
	hasUploads
	hasFiles
)

// clear removes the abandoned uploads from a directory, as long as it meets
// nothing else in it.
func (t *tree) clear(ctx context.Context, rel string) (contents, error) {
	dir, err := t.openDir(rel)
	if err != nil {
		return hasFiles, err
	}
	defer dir.Close()
	state := isEmpty
	for fi, err := range entries(ctx, dir) {
		if err != nil {
			return hasFiles, err
		}
		if !isStaged(fi.Name()) {
			return hasFiles, nil
		}
		gone, err := removeAbandoned(dir, fi)
		if err != nil {
			return hasFiles, err
		}
		if !gone {
			state = hasUploads
		}
	}
	return state, nil
}
