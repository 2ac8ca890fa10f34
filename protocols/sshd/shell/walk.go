package shell

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"sftpgo/vfs"
)

// entry is something in a tree.
type entry struct {
	name string
	info fs.FileInfo
}

// walk visits name and, if it is a directory, all below it before. Links that lie
// in the tree are left out, one that is name itself is followed. The first error
// ends it.
func (c *call) walk(ctx context.Context, name string, visit func(entry) error) error {
	info, err := c.s.Stat(ctx, name)
	if err != nil {
		return err
	}
	return c.walkFrom(ctx, entry{name, info}, visit)
}

func (c *call) walkFrom(ctx context.Context, e entry, visit func(entry) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if e.info.IsDir() {
		// No listing stays open on the way down.
		var below []entry
		for info, err := range c.s.List(ctx, e.name) {
			if err != nil {
				return err
			}
			if info.IsDir() || info.Mode().IsRegular() {
				below = append(below, entry{path.Join(e.name, info.Name()), info})
			}
		}
		for _, b := range below {
			if err := c.walkFrom(ctx, b, visit); err != nil && !isGone(err) {
				return err
			}
		}
	}
	return visit(e)
}

// isGone: it was removed meanwhile, which is as good as not there at first.
func isGone(err error) bool { return errors.Is(err, vfs.ErrNotExist) }
