package shell

import (
	"context"
	"errors"
	"path"
	"strings"

	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

func workingDirectory(_ context.Context, c *call) uint32 {
	c.print("%s\n", c.dir)
	return statusOK
}

// changeDirectory is "cd". Links stay in the name, as in a shell, and there is
// nothing above the root.
func changeDirectory(ctx context.Context, c *call) uint32 {
	_, operands, ok := c.split("")
	switch {
	case !ok:
		return statusFailed
	case len(operands) == 0:
		c.dir = "/"
		return statusOK
	case len(operands) > 1:
		c.complain(c.name + ": too many arguments")
		return statusFailed
	}
	name := path.Clean(c.at(operands[0]))
	if name != "/" { // who may not list it is there nevertheless
		if err := c.mayEnter(ctx, name); err != nil {
			return c.fail(operands[0].Text, err)
		}
	}
	c.dir = name
	return statusOK
}

// mayEnter reports why name is no directory to work in. Who may not look at it
// from above may still list it.
func (c *call) mayEnter(ctx context.Context, name string) error {
	info, err := c.s.Stat(ctx, name)
	switch {
	case err == nil && !info.IsDir():
		return vfs.ErrNotDir
	case !errors.Is(err, vfs.ErrPermission):
		return err
	}
	for _, err := range c.s.List(ctx, name) {
		return err
	}
	return nil
}

// makeDirectories is "mkdir [-p]".
func makeDirectories(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("p")
	if !ok || !c.needs(operands, 1) {
		return statusFailed
	}
	return c.each(operands, func(w shellword.Word) error { return c.makeDirectory(ctx, c.at(w), o) })
}

func (c *call) makeDirectory(ctx context.Context, name string, o options) error {
	if !o.has('p') {
		return c.s.Mkdir(ctx, name)
	}
	name, err := vfs.ParseName("/", name)
	if err != nil {
		return err
	}
	var failure error
	for i := 1; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		// Those above need not be told of: they are there, or the last one fails.
		failure = c.s.Mkdir(ctx, name[:i])
	}
	if errors.Is(failure, vfs.ErrExist) {
		if c.isDir(ctx, name) {
			return nil
		}
	}
	return failure
}

// removeDirectories is "rmdir".
func removeDirectories(ctx context.Context, c *call) uint32 {
	_, operands, ok := c.split("")
	if !ok || !c.needs(operands, 1) {
		return statusFailed
	}
	return c.each(operands, func(w shellword.Word) error { return c.s.Rmdir(ctx, c.at(w)) })
}

// into is where something called src goes: below dst if that is a directory.
func (c *call) into(ctx context.Context, dst, src string) string {
	if c.isDir(ctx, dst) {
		return strings.TrimRight(dst, "/") + "/" + base(src)
	}
	return dst
}
