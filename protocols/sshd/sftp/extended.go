package sftp

import (
	"context"
	"path"
	"strings"
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

// extensions are the pairs that VERSION announces.
func (c *conn) extensions() [][2]string {
	return [][2]string{
		{"posix-rename@openssh.com", "1"},
		{"statvfs@openssh.com", "2"},
		{"fstatvfs@openssh.com", "2"},
		{"limits@openssh.com", "1"},
		{"expand-path@openssh.com", "1"},
		{"home-directory", "1"},
		{"users-groups-by-id@openssh.com", "1"},
	}
}

// extended takes EXTENDED apart; nil is an extension that there is not.
func (c *conn) extended(f *fields) *request {
	switch name := f.text(); name {
	case "posix-rename@openssh.com":
		from, to := f.text(), f.text()
		return c.change("rename", func(ctx context.Context) error { return c.s.Rename(ctx, from, to) }, from, to)
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
