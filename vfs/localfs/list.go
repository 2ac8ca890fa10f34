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
			if isStaged(entry.Name()) {
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
		for {
			names, readErr := d.Readdirnames(pageSize)
			for _, n := range names {
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				info, err := dir.Lstat(n)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if !yield(info, err) || err != nil {
					return
				}
			}
			if readErr == io.EOF {
				return
			}
			if readErr != nil {
				yield(nil, readErr)
				return
			}
		}
	}
}

// isStaged reports whether base is the name of a staged upload.
func isStaged(base string) bool { return strings.HasPrefix(base, vfs.StagingPrefix) }
