package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Scan counts the regular files of a user and makes the result the usage. It is
// for the start, before the first session: what is uploaded meanwhile would be
// counted twice or not at all. Of a user for whom nothing is counted it does
// nothing.
func (m *Manager) Scan(ctx context.Context, user string) (dataprovider.Amount, error) {
	u, _, err := m.store.Users().Get(ctx, user)
	if err != nil {
		return noAmount, fmt.Errorf("scan: %w", err)
	}
	if !m.counts(&u) {
		return noAmount, nil
	}
	f, err := m.openStorage(ctx, &u, toInspect)
	if errors.Is(err, vfs.ErrNotExist) {
		return noAmount, m.store.Usage().Set(ctx, user, noAmount)
	}
	if err != nil {
		return noAmount, fmt.Errorf("scan: open storage of %q: %w", user, err)
	}
	defer f.Close() // only read
	total, err := countTree(ctx, f, "/")
	if err != nil {
		return noAmount, fmt.Errorf("scan %q: %w", user, err)
	}
	return total, m.store.Usage().Set(ctx, user, total)
}

// countTree counts the regular files below a directory. Links are not followed, and
// a file with several names counts once.
func countTree(ctx context.Context, f vfs.FS, dir string) (dataprovider.Amount, error) {
	return countBut(ctx, f, dir, nil)
}

// countBut is countTree without the files with one of the identities.
func countBut(ctx context.Context, f vfs.FS, dir string, but map[string]bool) (dataprovider.Amount, error) {
	c := census{f: f, but: but, seen: map[string]bool{}}
	err := c.count(ctx, dir)
	return c.total, err
}

// census counts files.
type census struct {
	f     vfs.FS
	but   map[string]bool
	seen  map[string]bool // files with several names, by identity
	total dataprovider.Amount

	wanted string      // one to look for
	match  fs.FileInfo // what it is
}

func (c *census) count(ctx context.Context, dir string) error {
	var below []string
	for info, err := range c.f.List(ctx, dir) {
		if err == nil {
			switch name := path.Join(dir, info.Name()); {
			case info.IsDir():
				below = append(below, name)
			case info.Mode().IsRegular():
				err = c.add(ctx, name, info)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, name := range below {
		err := c.count(ctx, name)
		// It may have gone meanwhile, or be a file by now.
		if err != nil && !errors.Is(err, vfs.ErrNotExist) && !errors.Is(err, vfs.ErrNotDir) {
			return err
		}
	}
	return nil
}

// add counts one name of a file.
func (c *census) add(ctx context.Context, name string, info fs.FileInfo) error {
	if c.wanted != "" || len(c.but) > 0 || vfs.NamesOf(info) > 1 {
		now, err := c.identify(ctx, name, info)
		if errors.Is(err, vfs.ErrNotExist) {
			return nil // gone meanwhile
		}
		if err != nil {
			return err
		}
		id := vfs.FileIDOf(now)
		if c.but[id] || c.seen[id] {
			return nil
		}
		if id != "" && vfs.NamesOf(now) > 1 {
			c.seen[id] = true
		}
		if id != "" && id == c.wanted {
			c.match = now
		}
		info = now
	}
	c.total = c.total.Add(amountOf(info))
	return nil
}

// identify asks again where listings have no identities.
func (c *census) identify(ctx context.Context, name string, info fs.FileInfo) (fs.FileInfo, error) {
	l, ok := vfs.As[vfs.Linker](c.f)
	if vfs.FileIDOf(info) != "" || !ok {
		return info, nil
	}
	return l.Lstat(ctx, name)
}

// findFile looks through the whole storage for a file by its identity; nil says that
// it has no name.
func findFile(ctx context.Context, f vfs.FS, id string) (fs.FileInfo, error) {
	c := census{f: f, seen: map[string]bool{}, wanted: id}
	err := c.count(ctx, "/")
	return c.match, err
}

// amountOf is what a file counts for: only regular files count.
func amountOf(info fs.FileInfo) dataprovider.Amount {
	if info == nil || !info.Mode().IsRegular() {
		return dataprovider.Amount{}
	}
	return dataprovider.Amount{Files: 1, Bytes: info.Size()}
}

// leaving is what goes with an entry: nothing of a file that has other names.
func leaving(info fs.FileInfo) dataprovider.Amount {
	if info == nil || vfs.NamesOf(info) > 1 {
		return noAmount
	}
	return amountOf(info)
}

func minus(a, b dataprovider.Amount) dataprovider.Amount {
	return dataprovider.Amount{Files: a.Files - b.Files, Bytes: a.Bytes - b.Bytes}
}
