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
	if len(c.but) > 0 || vfs.NamesOf(info) > 1 {
		id, err := c.identify(ctx, name, info)
		if err != nil && !errors.Is(err, vfs.ErrNotExist) {
			return err
		}
		if err != nil || c.but[id] || c.seen[id] {
			return nil
		}
		if id != "" && vfs.NamesOf(info) > 1 {
			c.seen[id] = true
		}
	}
	c.total = c.total.Add(amountOf(info))
	return nil
}

// identify asks again where listings have no identities.
func (c *census) identify(ctx context.Context, name string, info fs.FileInfo) (string, error) {
	id := vfs.FileIDOf(info)
	l, ok := vfs.As[vfs.Linker](c.f)
	if id != "" || !ok {
		return id, nil
	}
	now, err := l.Lstat(ctx, name)
	if err != nil {
		return "", err
	}
	return vfs.FileIDOf(now), nil
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
