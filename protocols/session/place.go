package session

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sftpgo/vfs"
)

// name is the virtual name of a storage path; other when the user does not see it.
func (s *Session) name(at, other string) string {
	if root := s.top; vfs.Within(root, at) {
		return path.Join("/", strings.TrimPrefix(at, root))
	}
	return other
}

// place identifies the entry that name is, for the ledger.
func (s *Session) place(ctx context.Context, name string) (string, error) {
	if p, ok := vfs.As[vfs.Placer](s.fs); ok {
		return p.Place(ctx, name)
	}
	return s.path(name), nil
}

// maxMoves bounds how often a lock is tried again because a directory was moved
// between looking and locking.
const maxMoves = 16

// lockBy locks the places of some names, with either of the locks of the ledger, and
// returns them in the order of the names.
func (s *Session) lockBy(ctx context.Context, lock func(...string) *pages, names []string) (*pages, []string, error) {
	where := func() (list []string, err error) {
		for _, name := range names {
			place, err := s.place(ctx, name)
			if err != nil {
				return nil, err
			}
			list = append(list, place)
		}
		return list, nil
	}
	places, err := where()
	for range maxMoves {
		if err != nil {
			return nil, nil, err
		}
		pg := s.m.ledger.pass(s.top, func() *pages { return lock(slices.Clone(places)...) })
		var now []string
		if now, err = where(); err == nil && slices.Equal(now, places) {
			return pg, places, nil
		}
		pg.unlock()
		places = now
	}
	return nil, nil, refuse("lock", names[0], vfs.ErrBusy)
}

// spot is what lies at a name: its place, and nil and why if there is nothing.
type spot struct {
	place string
	info  fs.FileInfo
	err   error
}

// lockFiles locks the places of some names and tells what lies there, links not
// followed. A file with several names is locked as such too.
func (s *Session) lockFiles(ctx context.Context, names ...string) (*pages, []spot, error) {
	return s.lockFilesBy(ctx, s.m.ledger.lock, names)
}

// lockFilesBy is lockFiles with either of the locks of the ledger.
func (s *Session) lockFilesBy(ctx context.Context, lock func(...string) *pages, names []string) (*pages, []spot, error) {
	var keys []string
	for range maxMoves {
		pg, places, err := s.lockBy(ctx, func(places ...string) *pages { return lock(append(places, keys...)...) }, names)
		if err != nil {
			return nil, nil, err
		}
		spots := make([]spot, len(names))
		keys = nil
		for i, name := range names {
			at := spot{place: places[i]}
			if at.info, at.err = s.lstat(ctx, name); at.err != nil {
				at.info = nil
				if !errors.Is(at.err, vfs.ErrNotExist) {
					pg.unlock()
					return nil, nil, at.err
				}
			}
			if key := s.m.ledger.fileKey(at.place, at.info); key != "" {
				keys = append(keys, key)
			}
			spots[i] = at
		}
		if pg.has(keys) {
			return pg, spots, nil
		}
		pg.unlock()
	}
	return nil, nil, refuse("lock", names[0], vfs.ErrBusy)
}

// entry is the storage path of name without links before the last component.
func (s *Session) entry(ctx context.Context, name string) string {
	return s.path(s.inDir(ctx, name))
}

// inDir is the name without links of what lies at name, which is none itself.
func (s *Session) inDir(ctx context.Context, name string) string {
	dir, base := path.Split(name)
	if dir == "/" {
		return name // the root is where it is
	}
	return path.Join(s.behind(ctx, path.Dir(name)), base)
}

// behind is the name that links lead to from name; name itself where nothing is
// known, and nothing when ctx is done.
func (s *Session) behind(ctx context.Context, name string) string {
	if r, ok := vfs.As[vfs.Resolver](s.fs); ok {
		real, err := r.Resolve(ctx, name)
		switch {
		case err == nil:
			return real
		case ctx.Err() != nil:
			return "" // nothing is ruled for it, so nothing is allowed
		}
	}
	return name
}
