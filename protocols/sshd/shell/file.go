package shell

import (
	"context"
	"errors"
	"path"
	"strings"

	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// remove is "rm [-r] [-f]".
func remove(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("rRf")
	if !ok || !o.has('f') && !c.needs(operands, 1) {
		return statusFailed
	}
	return c.each(operands, func(w shellword.Word) error {
		err := c.removeOne(ctx, w, o)
		if o.has('f') && errors.Is(err, vfs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (c *call) removeOne(ctx context.Context, w shellword.Word, o options) error {
	switch path.Base(strings.TrimRight(w.Text, "/")) {
	case ".", "..":
		return vfs.ErrPermission // as rm refuses them: one stands in there
	}
	if o.has('r') || o.has('R') {
		return c.s.RemoveAll(ctx, c.at(w))
	}
	return c.s.Remove(ctx, c.at(w))
}

// move is "mv [-f] [-n]": what is at the target is replaced, if the user may, unless
// it is a directory.
func move(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("fn")
	if !ok || !c.needs(operands, 2) {
		return statusFailed
	}
	sources, target, ok := c.target(ctx, operands)
	if !ok {
		return statusFailed
	}
	rename := c.s.Rename
	if o.has('n') {
		rename = c.s.RenameNew
	}
	return c.each(sources, func(w shellword.Word) error {
		src := c.at(w)
		dst := c.into(ctx, target, src)
		if strings.HasSuffix(dst, "/") && !c.isDir(ctx, src) {
			return vfs.ErrNotDir // the directory is not there
		}
		err := rename(ctx, src, dst)
		if o.has('n') && errors.Is(err, vfs.ErrExist) {
			return nil
		}
		return err
	})
}

func (c *call) isDir(ctx context.Context, name string) bool {
	info, err := c.s.Stat(ctx, name)
	return err == nil && info.IsDir()
}

// target parts the operands of mv and cp. Several sources need a directory to go
// to.
func (c *call) target(ctx context.Context, operands []shellword.Word) (sources []shellword.Word, target string, ok bool) {
	last := len(operands) - 1
	sources, target = operands[:last], c.at(operands[last])
	if len(sources) == 1 {
		return sources, target, true
	}
	info, err := c.s.Stat(ctx, target)
	if err == nil && !info.IsDir() {
		err = vfs.ErrNotDir
	}
	if err != nil {
		c.fail(operands[last].Text, err)
		return nil, "", false
	}
	return sources, target, true
}

// link is "ln [-s] [-f] TARGET NAME". The text of a symbolic link stays as it was
// given.
func link(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("sf")
	if !ok || !c.needs(operands, 2) {
		return statusFailed
	}
	if len(operands) > 2 {
		c.complain(c.name + ": one target and one name, please")
		return statusFailed
	}
	old := operands[0].Text
	name := c.into(ctx, c.at(operands[1]), old)
	create := func() error { return c.s.Link(ctx, c.at(operands[0]), name) }
	if o.has('s') {
		create = func() error { return c.s.Symlink(ctx, old, name) }
	}
	err := create()
	if o.has('f') && errors.Is(err, vfs.ErrExist) && !c.same(ctx, operands[0], name) {
		// Only now: what is there must not go for a link that cannot be.
		if err = c.s.Remove(ctx, name); err == nil {
			err = create()
		}
	}
	if err != nil {
		return c.fail(operands[1].Text, err)
	}
	return statusOK
}

// same reports whether what ln is given as its target is what lies at name, which
// would be lost.
func (c *call) same(ctx context.Context, target shellword.Word, name string) bool {
	if path.Clean(c.at(target)) == path.Clean(name) || path.Join(path.Dir(name), target.Text) == path.Clean(name) {
		return true
	}
	here, err := c.s.Lstat(ctx, name)
	there, terr := c.s.Lstat(ctx, c.at(target))
	return err == nil && terr == nil && vfs.FileIDOf(here) != "" && vfs.FileIDOf(here) == vfs.FileIDOf(there)
}
