package shell

import (
	"context"
	"errors"
	"path"
	"strings"

	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// duplicate is "cp [-r] [-p] [-f]". A file that is there is overwritten; trees are
// not mixed. Hooks hear of it as of sftpgo-copy: one ssh_cmd for each source.
func duplicate(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("rRpaf")
	if !ok || !c.needs(operands, 2) {
		return statusFailed
	}
	sources, target, ok := c.target(ctx, operands)
	if !ok {
		return statusFailed
	}
	return c.each(sources, func(w shellword.Word) error {
		src := c.at(w)
		dst := c.into(ctx, target, src)
		err := c.copyTo(ctx, src, dst, o)
		c.s.CommandDone(ctx, c.line(), src, dst, err)
		return err
	})
}

func (c *call) copyTo(ctx context.Context, src, dst string, o options) error {
	copied := c.s.CopyTree
	if info, err := c.s.Stat(ctx, src); err == nil {
		switch {
		case info.IsDir() && !o.has('r') && !o.has('R') && !o.has('a'):
			return vfs.ErrIsDir
		case info.Mode().IsRegular() && c.isFile(ctx, dst):
			copied = c.s.Copy
		}
	}
	if err := copied(ctx, src, dst); err != nil {
		return err
	}
	if o.has('p') || o.has('a') {
		return c.preserve(ctx, src, dst)
	}
	return nil
}

func (c *call) isFile(ctx context.Context, name string) bool {
	info, err := c.s.Stat(ctx, name)
	return err == nil && info.Mode().IsRegular()
}

// preserve gives a copy the modes and times of its source, directories when all in
// them is done. What the account may not set or the storage does not have is left
// alone without a word, as with scp -p.
func (c *call) preserve(ctx context.Context, src, dst string) error {
	src = path.Clean(src)
	return c.walk(ctx, src, func(e entry) error {
		mode, when := e.info.Mode().Perm(), e.info.ModTime()
		for _, a := range []vfs.Attrs{{Mode: &mode}, {Mtime: &when}} {
			err := c.s.SetAttrs(ctx, dst+strings.TrimPrefix(e.name, src), a)
			if err != nil && !errors.Is(err, vfs.ErrPermission) && !errors.Is(err, vfs.ErrUnsupported) {
				return err
			}
		}
		return nil
	})
}

// line is the command as the client wrote it, or what it comes to if its name does
// not stand at the front as such.
func (c *call) line() string {
	if rest, ok := strings.CutPrefix(c.text, c.name); ok && (rest == "" || rest[0] == ' ') {
		return c.text
	}
	words := []string{c.name}
	for _, w := range c.args {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}
