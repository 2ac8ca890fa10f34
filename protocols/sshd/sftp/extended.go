package sftp

import (
	"context"
	"io"
	"math"
	"path"
	"strings"

	"sftpgo/vfs"
)

// hello is VERSION, with the extensions that this session can honour.
func (c *conn) hello() error {
	b := c.loop
	if err := b.reserve(smallReplies); err != nil {
		return err
	}
	b.begin(typeVersion, version) // where other packets have their id
	for _, e := range c.extensions() {
		b.text(e[0])
		b.text(e[1])
	}
	b.end()
	return nil
}

// extensions are the pairs that VERSION announces: what the storage of the
// session can do, and nothing else.
func (c *conn) extensions() [][2]string {
	can := c.s.Capabilities()
	hashes := algorithmNames()
	all := []struct {
		there         bool
		name, version string
	}{
		{true, "posix-rename@openssh.com", "1"},
		{can.Space, "statvfs@openssh.com", "2"},
		{can.Space, "fstatvfs@openssh.com", "2"},
		{can.HardLinks, "hardlink@openssh.com", "1"},
		{can.Sync, "fsync@openssh.com", "1"},
		{can.LinkAttrs, "lsetstat@openssh.com", "1"},
		{true, "limits@openssh.com", "1"},
		{true, "expand-path@openssh.com", "1"},
		{true, "copy-data", "1"},
		{true, "home-directory", "1"},
		{true, "users-groups-by-id@openssh.com", "1"},
		{true, "check-file", hashes},
		{true, "check-file-name", hashes},
		{true, "check-file-handle", hashes},
	}
	var list [][2]string
	for _, e := range all {
		if e.there {
			list = append(list, [2]string{e.name, e.version})
		}
	}
	return list
}

// extended takes EXTENDED apart; nil is an extension that there is not.
func (c *conn) extended(f *fields) *request {
	switch name := f.text(); name {
	case "posix-rename@openssh.com":
		from, to := f.text(), f.text()
		return c.change("rename", func(ctx context.Context) error { return c.s.Rename(ctx, from, to) }, from, to)
	case "hardlink@openssh.com":
		from, to := f.text(), f.text()
		return c.change("link", func(ctx context.Context) error { return c.s.Link(ctx, from, to) }, from, to)
	case "lsetstat@openssh.com":
		link := f.text()
		a, err := f.attrs()
		return c.change("setstat", func(ctx context.Context) error {
			if err != nil {
				return err
			}
			return c.s.SetLinkAttrs(ctx, link, a)
		}, link)
	case "statvfs@openssh.com":
		return c.statvfs(f.text())
	case "fstatvfs@openssh.com":
		h := c.handles.get(f.bytes())
		if h == nil {
			return refused("space", errHandle)
		}
		q := c.statvfs(h.name())
		q.h = h
		return q
	case "fsync@openssh.com":
		return c.fsync(f.bytes())
	case "copy-data":
		return c.copyData(f)
	case "check-file", "check-file-name", "check-file-handle":
		return c.checkFile(name, f)
	case "limits@openssh.com":
		return limits()
	case "expand-path@openssh.com":
		return c.expand(f.text())
	case "home-directory":
		return c.home(f.text())
	case "users-groups-by-id@openssh.com":
		return c.names(f.bytes(), f.bytes())
	}
	return nil
}

// fsync is fsync@openssh.com (PROTOCOL of OpenSSH, 4.6).
func (c *conn) fsync(wire []byte) *request {
	h, err := c.file(wire)
	if err != nil {
		return refused("sync", err)
	}
	q := c.change("sync", h.file.t.Sync)
	q.h, q.slow = h, true
	return q
}

// copyData is copy-data (draft-ietf-secsh-filexfer-extensions-00, section 7).
// OpenSSH's answer to a file that ends before all was copied is EOF.
func (c *conn) copyData(f *fields) *request {
	src, from, n := f.bytes(), f.u64(), f.u64()
	dst, to := f.bytes(), f.u64()
	if f.bad {
		return nil
	}
	h, err := c.file(src)
	if err != nil {
		return refused("copy", err)
	}
	other, err := c.file(dst)
	switch {
	case err != nil:
		return refused("copy", err)
	case from > math.MaxInt64 || n > math.MaxInt64 || to > math.MaxInt64:
		return refused("copy", errBadMessage)
	case other.file.readOnly:
		return refused("copy", vfs.ErrPermission)
	}
	q := c.change("copy", func(ctx context.Context) error {
		done, err := h.file.copyTo(ctx, other.file, int64(from), int64(n), int64(to))
		if err == nil && n > 0 && done < int64(n) {
			err = io.EOF
		}
		return err
	})
	q.h, q.slow = h, true
	if other != h {
		q.other = other
	}
	return q
}

// limits is limits@openssh.com, which lets OpenSSH 8.5 and later send and ask for
// packets above 32 KiB (PROTOCOL of OpenSSH, 4.8).
func limits() *request {
	q := &request{op: "limits", quick: true}
	q.run = func(_ context.Context, b *batch) error {
		if err := b.reserve(smallReply); err != nil {
			return err
		}
		b.begin(typeExtendedReply, q.id)
		for _, v := range []uint64{maxPacket, maxData, maxData, maxHandles} {
			b.u64(v)
		}
		b.end()
		return nil
	}
	return q
}

// statvfs is statvfs@openssh.com (PROTOCOL, 4.4).
func (c *conn) statvfs(name string) *request {
	q := &request{op: "space", names: []string{name}, bytes: len(name)}
	q.run = func(ctx context.Context, b *batch) error {
		sp, err := c.s.Space(ctx, name)
		if err != nil {
			return err
		}
		if err := b.reserve(smallReply); err != nil {
			return err
		}
		block := max(sp.BlockSize, 1)
		b.begin(typeExtendedReply, q.id)
		for _, v := range []uint64{
			block, block, sp.Total / block, sp.Free / block, sp.Avail / block,
			sp.Files, sp.FilesFree, sp.FilesAvail, 0, 0, sp.NameMax,
		} {
			b.u64(v)
		}
		b.end()
		return nil
	}
	return q
}

// home is home-directory. There is one home: the root.
func (c *conn) home(user string) *request {
	if user != "" && user != c.s.User().Username {
		return refused("home", errLogin)
	}
	return c.realpath("/")
}

// expand is expand-path@openssh.com (PROTOCOL, 4.9): realpath that knows "~".
func (c *conn) expand(raw string) *request {
	if rest, ok := strings.CutPrefix(raw, "~"); ok {
		user, below, _ := strings.Cut(rest, "/")
		if user != "" && user != c.s.User().Username {
			return refused("expand", errLogin)
		}
		raw = path.Join("/", below)
	}
	return c.realpath(raw)
}

// names is users-groups-by-id@openssh.com. Files of this session belong to one
// account, and that is the name of its ids; others have none, because accounts of
// the system are nobody's business.
func (c *conn) names(uids, gids []byte) *request {
	users, groups := &fields{rest: uids}, &fields{rest: gids}
	if len(uids)%4 != 0 || len(gids)%4 != 0 || len(uids)+len(gids) > 4*maxIDs {
		return refused("names", errBadMessage)
	}
	user := c.s.User()
	uid, gid := self()
	q := &request{op: "names", quick: true, bytes: len(uids) + len(gids)}
	var names [2][]string
	for i, list := range []*fields{users, groups} {
		for len(list.rest) > 0 {
			name, id := "", list.u32()
			if own := [2]int{user.UID, user.GID}[i]; id == [2]uint32{uid, gid}[i] || own > 0 && id == uint32(own) {
				name = user.Username
			}
			names[i] = append(names[i], name)
		}
	}
	q.run = func(_ context.Context, b *batch) error {
		n := smallReply
		for _, list := range names {
			n += len(list) * (4 + len(user.Username))
		}
		if n > maxPacket {
			return errBadMessage
		}
		if err := b.reserve(n); err != nil {
			return err
		}
		b.begin(typeExtendedReply, q.id)
		for _, list := range names {
			b.texts(list)
		}
		b.end()
		return nil
	}
	return q
}

// maxIDs is how many ids one request may ask for.
const maxIDs = 4096

// texts appends a string that holds strings.
func (b *batch) texts(list []string) {
	at := len(b.buf)
	b.u32(0)
	for _, s := range list {
		b.text(s)
	}
	putCount(b.buf[at:], uint32(len(b.buf)-at-4))
}
