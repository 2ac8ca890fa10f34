package session

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// CopyTree copies a file or a directory with all it holds (sftpgo-copy). A target
// that ends in "/" is the directory to copy into. There must be nothing at the
// target yet (vfs.ErrExist), its parent must be there, and it must not lie within
// the source (vfs.ErrUnsupported). A source that is a link is vfs.ErrUnsupported;
// links within a tree are copied as links.
//
// Before anything is made, the rules are applied to every entry: list and download
// where it is, create_dirs, upload or create_symlinks where it goes, the file
// filters to both names; and the quota must have room for all files and bytes.
// A file that fails leaves nothing; what was copied before it stays. Hooks hear
// of directories that are made and files that are copied, and of no upload.
func (s *Session) CopyTree(ctx context.Context, src, dst string) error {
	return s.do("copy", src, func(src string) error {
		if strings.HasSuffix(dst, "/") {
			dst += path.Base(src)
		}
		dst, err := parse("copy to", dst)
		if err != nil {
			return err
		}
		release, err := s.reserve()
		if err != nil {
			return refuse("copy", src, err)
		}
		defer release()
		if s.m.isDraining() {
			return ErrClosed
		}
		ctx, cancel := s.within(ctx)
		defer cancel()
		c := &treeCopy{s: s, src: src, dst: dst}
		return s.why(ctx, c.run(ctx))
	})
}

// treeCopy is one copy of a tree.
type treeCopy struct {
	s        *Session
	src, dst string
	room     *room // reserved for files that are not there yet
}

func (c *treeCopy) run(ctx context.Context) error {
	if err := c.mayBegin(ctx); err != nil {
		return err
	}
	var total dataprovider.Amount
	err := c.s.descend(ctx, c.src, func(name string, info fs.FileInfo) error {
		total = total.Add(amountOf(info))
		return c.mayCopy(ctx, name, info)
	})
	if err != nil {
		return err
	}
	if c.room, err = c.s.reserveTree(ctx, total); err != nil {
		return refuse("copy", c.dst, err)
	}
	defer c.room.release()
	return c.s.descend(ctx, c.src, func(name string, info fs.FileInfo) error {
		return c.copy(ctx, name, info)
	})
}

// mayBegin looks at both ends.
func (c *treeCopy) mayBegin(ctx context.Context) error {
	s := c.s
	// The answer to who may not list is the same whether it is there or not.
	if !s.allowed(dataprovider.PermList, c.src) {
		return refuse("copy", c.src, vfs.ErrPermission)
	}
	info, err := s.lstat(ctx, c.src)
	if err != nil {
		return err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return refuse("copy", c.src, vfs.ErrUnsupported)
	}
	if err := c.mayCopy(ctx, c.src, info); err != nil {
		return err
	}
	switch _, err := s.lstat(ctx, c.dst); {
	case err == nil:
		return refuse("copy to", c.dst, vfs.ErrExist)
	case !errors.Is(err, vfs.ErrNotExist):
		return err
	}
	if parent, err := s.fs.Stat(ctx, path.Dir(c.dst)); err != nil {
		return err
	} else if !parent.IsDir() {
		return refuse("copy to", c.dst, vfs.ErrNotDir)
	}
	from, to := s.behind(ctx, c.src), s.behind(ctx, c.dst)
	if vfs.Within(c.src, c.dst) || vfs.Within(from, to) {
		return refuse("copy to", c.dst, vfs.ErrUnsupported)
	}
	return nil
}

// target is where an entry goes.
func (c *treeCopy) target(name string) string {
	return path.Join(c.dst, strings.TrimPrefix(name, c.src))
}

// mayCopy applies the rules to one entry.
func (c *treeCopy) mayCopy(ctx context.Context, name string, info fs.FileInfo) error {
	s, to := c.s, c.target(name)
	if len(to) > vfs.MaxName {
		return refuse("copy to", to[:vfs.MaxName], vfs.ErrName)
	}
	if !s.allowed(dataprovider.PermList, name) || !s.allowed(dataprovider.PermDownload, name) {
		return refuse("copy", name, vfs.ErrPermission)
	}
	create := dataprovider.PermUpload
	switch {
	case info.IsDir():
		create = dataprovider.PermCreateDirs
		if !s.allows(dataprovider.PermList, name) {
			return refuse("copy", name, vfs.ErrPermission)
		}
	case info.Mode().IsRegular():
		if !s.fileAllowed(name) || !s.fileAllowed(to) {
			return refuse("copy", name, vfs.ErrPermission)
		}
		if limit := s.user.Filters.MaxUploadFileSize; limit > 0 && info.Size() > limit {
			return refuse("copy", name, ErrQuota)
		}
	case info.Mode().Type() == fs.ModeSymlink:
		create = dataprovider.PermCreateSymlinks
		if _, err := c.linkText(ctx, name); err != nil {
			return err
		}
	default:
		return refuse("copy", name, vfs.ErrUnsupported) // a device, a socket, a FIFO
	}
	if !s.allowed(create, to) {
		return refuse("copy to", to, vfs.ErrPermission)
	}
	return nil
}

// linkText reads a link as Readlink does, and refuses what Symlink would not
// make where it goes.
func (c *treeCopy) linkText(ctx context.Context, name string) (string, error) {
	l, ok := vfs.As[vfs.Linker](c.s.fs)
	if !ok {
		return "", refuse("copy", name, vfs.ErrUnsupported)
	}
	text, err := l.Readlink(ctx, name)
	if err != nil {
		return "", err
	}
	if target, err := c.s.linkTarget(name, text); err != nil || !c.s.allowed(dataprovider.PermList, target) {
		return "", refuse("copy", name, vfs.ErrPermission)
	}
	if _, err := c.s.linkTarget(c.target(name), text); err != nil {
		return "", refuse("copy", name, vfs.ErrPermission)
	}
	return text, nil
}

// copy copies one entry. The rules are applied again: it may have become another
// meanwhile.
func (c *treeCopy) copy(ctx context.Context, name string, info fs.FileInfo) error {
	if err := c.mayCopy(ctx, name, info); err != nil {
		return err
	}
	to := c.target(name)
	may := func() error {
		now, err := c.s.lstat(ctx, name)
		if err == nil && now.Mode().Type() != info.Mode().Type() {
			err = refuse("copy", name, vfs.ErrBusy)
		}
		if err != nil {
			return err
		}
		return c.mayCopy(ctx, name, now)
	}
	switch {
	case info.IsDir():
		return c.s.mkdirLike(ctx, name, to, func(ctx context.Context, to string) error {
			return c.s.makeDir(ctx, to, may)
		})
	case info.Mode().Type() == fs.ModeSymlink:
		text, err := c.linkText(ctx, name)
		if err != nil {
			return err
		}
		l, _ := vfs.As[vfs.Linker](c.s.fs) // linkText has used it
		return c.s.turn(may, func() error { return l.Symlink(ctx, text, to) })
	}
	return c.s.copyFile(ctx, name, to, may, c.room.split(amountOf(info)))
}

// reserveTree takes room for files that will be made.
func (s *Session) reserveTree(ctx context.Context, total dataprovider.Amount) (*room, error) {
	r := &room{}
	q := s.account.quota
	if !q.limited() {
		return r, nil
	}
	r.quota = q
	if err := q.refresh(ctx); err != nil {
		return nil, err
	}
	if q.full() {
		return nil, ErrQuota
	}
	return r, r.cover(total)
}

// descend visits a tree: a directory before what it holds, in lexical order. Links
// are visited, not followed.
func (s *Session) descend(ctx context.Context, name string, visit func(name string, info fs.FileInfo) error) error {
	info, err := s.lstat(ctx, name)
	if err != nil {
		return err
	}
	s.Touch()
	if err := visit(name, info); err != nil || !info.IsDir() {
		return err
	}
	entries, err := s.entries(ctx, name)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err := s.descend(ctx, path.Join(name, entry), visit)
		if err != nil && !errors.Is(err, vfs.ErrNotExist) { // gone meanwhile is as good
			return err
		}
	}
	return nil
}

// entries are the names of what a directory holds, in lexical order.
func (s *Session) entries(ctx context.Context, name string) ([]string, error) {
	var list []string
	for entry, err := range s.fs.List(ctx, name) {
		if err != nil {
			return nil, err
		}
		list = append(list, entry.Name())
	}
	slices.Sort(list)
	return list, nil
}
