package sftp

import (
	"context"
	"path"

	"sftpgo/vfs"
)

// request takes the packets of draft 02 apart, but for READ and WRITE; nil is one
// that there is not.
func (c *conn) request(kind byte, f *fields) *request {
	switch kind {
	case typeOpen:
		return c.openFile(f)
	case typeOpendir:
		return c.openDir(f)
	case typeClose, typeFstat, typeFsetstat, typeReaddir:
		return c.handleRequest(kind, f)
	case typeSymlink:
		// The text of the link comes first: the order of OpenSSH, which is not that
		// of the draft.
		text, name := f.text(), f.text()
		if c.linkFirst {
			text, name = name, text
		}
		return c.change("symlink", func(ctx context.Context) error { return c.s.Symlink(ctx, text, name) }, name)
	case typeRename:
		// 6.5: "It is an error if there already exists a file with the name
		// specified by newpath."
		from, to := f.text(), f.text()
		return c.change("rename", func(ctx context.Context) error { return c.s.RenameNew(ctx, from, to) }, from, to)
	}
	return c.nameRequest(kind, f)
}

// nameRequest is what has one name.
func (c *conn) nameRequest(kind byte, f *fields) *request {
	name := f.text()
	switch kind {
	case typeStat:
		return c.stat("stat", name, c.s.Stat)
	case typeLstat:
		return c.stat("lstat", name, c.s.Lstat)
	case typeRealpath:
		return c.realpath(name)
	case typeReadlink:
		q := &request{op: "readlink", names: []string{name}, bytes: len(name), quick: true}
		q.run = func(ctx context.Context, b *batch) error {
			text, err := c.s.Readlink(ctx, name)
			if err != nil {
				return err
			}
			return b.name(q.id, text)
		}
		return q
	case typeSetstat:
		a, err := f.attrs()
		return c.change("setstat", func(ctx context.Context) error {
			if err != nil {
				return err
			}
			return c.s.SetAttrs(ctx, name, a)
		}, name)
	case typeRemove:
		return c.change("remove", func(ctx context.Context) error { return c.s.Remove(ctx, name) }, name)
	case typeMkdir:
		a, err := f.attrs()
		return c.change("mkdir", func(ctx context.Context) error {
			switch {
			case err != nil:
				return err
			case a.Mode != nil:
				return c.s.MkdirMode(ctx, name, *a.Mode)
			}
			return c.s.Mkdir(ctx, name)
		}, name)
	case typeRmdir:
		return c.change("rmdir", func(ctx context.Context) error { return c.s.Rmdir(ctx, name) }, name)
	}
	f.bad = false // there may be no name in it
	return nil
}

// change is a request that is answered with a status only.
func (c *conn) change(op string, do func(context.Context) error, names ...string) *request {
	q := &request{op: op, names: names}
	for _, name := range names {
		q.bytes += len(name)
	}
	q.run = func(ctx context.Context, b *batch) error {
		if err := do(ctx); err != nil {
			return err
		}
		return b.ok(q.id)
	}
	return q
}

// realpath is lexical: it never touches the storage, and ".." at the root stays
// there, because "cd .." does so in every client.
func (c *conn) realpath(raw string) *request {
	q := &request{op: "realpath", bytes: len(raw), quick: true}
	q.run = func(_ context.Context, b *batch) error {
		name, err := vfs.ParseName("/", path.Clean("/"+raw))
		if err != nil {
			return err
		}
		return b.name(q.id, name)
	}
	return q
}

// name is the reply that is one name without attributes.
func (b *batch) name(id uint32, name string) error {
	if err := b.reserve(smallReply + 2*len(name)); err != nil {
		return err
	}
	b.begin(typeName, id)
	b.u32(1)
	b.text(name)
	b.text(name)
	b.u32(0)
	b.end()
	return nil
}

// handleRequest is what has a handle and is no transfer of data.
func (c *conn) handleRequest(kind byte, f *fields) *request {
	h := c.handles.get(f.bytes())
	switch kind {
	case typeClose:
		return c.closeHandle(h)
	case typeFstat:
		return c.fstat(h)
	case typeFsetstat:
		a, err := f.attrs()
		return c.fsetstat(h, a, err)
	}
	return c.readDir(h)
}

// refused answers a request that is wrong by itself.
func refused(op string, err error) *request {
	return &request{op: op, run: func(context.Context, *batch) error { return err }}
}

// closeHandle ends a transfer or a listing. The handle is gone for the requests
// that follow, whatever comes of it.
func (c *conn) closeHandle(h *handle) *request {
	if h == nil {
		return refused("close", errHandle)
	}
	q := &request{op: "close", h: h}
	inline := c.inline(q)
	c.handles.remove(h)
	q.byHandle = inline // the table does not know it any more
	q.run = func(_ context.Context, b *batch) error {
		if h.listing != nil {
			h.listing.close()
			return b.ok(q.id)
		}
		if err := h.file.t.Close(); err != nil {
			return err
		}
		return b.ok(q.id)
	}
	return q
}
