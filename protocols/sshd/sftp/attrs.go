package sftp

import (
	"context"
	"encoding/binary"
	"io/fs"
	"math"
	"os"
	"time"

	"sftpgo/vfs"
)

// The flags of ATTRS (draft 02, section 5).
const (
	attrSize     = 0x00000001
	attrUIDGID   = 0x00000002
	attrMode     = 0x00000004
	attrTimes    = 0x00000008
	attrExtended = 0x80000000
)

// The kinds of files in the mode of ATTRS: those of POSIX.
const (
	kindFIFO   = 0o010000
	kindChar   = 0o020000
	kindDir    = 0o040000
	kindBlock  = 0o060000
	kindFile   = 0o100000
	kindLink   = 0o120000
	kindSocket = 0o140000
)

// attrs reads all attributes given. Mode bits above 0777 are dropped: a client
// never makes a setuid file. The error is of values that mean nothing.
func (f *fields) attrs() (a vfs.Attrs, err error) {
	flags := f.u32()
	if flags&attrSize != 0 {
		size := f.u64()
		if size > math.MaxInt64 {
			err = errBadMessage
		}
		a.Size = new(int64(size))
	}
	if flags&attrUIDGID != 0 {
		a.UID, a.GID = new(owner(f.u32())), new(owner(f.u32()))
	}
	if flags&attrMode != 0 {
		a.Mode = new(fs.FileMode(f.u32() & 0o777))
	}
	if flags&attrTimes != 0 {
		a.Atime, a.Mtime = new(time.Unix(int64(f.u32()), 0)), new(time.Unix(int64(f.u32()), 0))
	}
	if flags&attrExtended != 0 {
		for n := f.u32(); n > 0 && !f.bad; n-- {
			f.bytes()
			f.bytes()
		}
	}
	return a, err
}

// owner returns an id, or -1 ("leave alone") for the largest one, as chown(2)
// does.
func owner(id uint32) int {
	if id == math.MaxUint32 {
		return -1
	}
	return int(id)
}

// stat is STAT and LSTAT.
func (c *conn) stat(op, name string, look func(context.Context, string) (fs.FileInfo, error)) *request {
	q := &request{op: op, names: []string{name}, bytes: len(name), quick: true}
	q.run = func(ctx context.Context, b *batch) error {
		info, err := look(ctx, name)
		if err != nil {
			return err
		}
		return b.replyAttrs(q.id, info)
	}
	return q
}

// fstat is FSTAT: the state of what is open, by whatever name.
func (c *conn) fstat(h *handle) *request {
	if h == nil {
		return refused("fstat", errHandle)
	}
	if h.listing != nil {
		q := c.stat("stat", h.listing.name, c.s.Stat)
		q.h = h
		return q
	}
	q := &request{op: "fstat", h: h, byHandle: true, quick: true}
	q.run = func(_ context.Context, b *batch) error {
		info, err := h.file.t.Stat()
		if err != nil {
			return err
		}
		return b.replyAttrs(q.id, info)
	}
	return q
}

// fsetstat is FSETSTAT.
func (c *conn) fsetstat(h *handle, a vfs.Attrs, bad error) *request {
	switch {
	case h == nil:
		return refused("fsetstat", errHandle)
	case bad != nil:
		return refused("fsetstat", bad)
	}
	q := c.change("fsetstat", func(ctx context.Context) error {
		if h.listing != nil {
			return c.s.SetAttrs(ctx, h.listing.name, a)
		}
		return h.file.setAttrs(ctx, a)
	})
	q.h = h
	return q
}

func (b *batch) replyAttrs(id uint32, info fs.FileInfo) error {
	if err := b.reserve(smallReply); err != nil {
		return err
	}
	b.begin(typeAttrs, id)
	b.attrs(info, sysOf(info))
	b.end()
	return nil
}

// sys is what the operating system knows beyond an fs.FileInfo.
type sys struct {
	uid, gid uint32
	links    uint64
	atime    time.Time
}

// unknown is for storage without owners: all is the server's own.
func unknown(info fs.FileInfo) sys {
	uid, gid := self()
	return sys{uid, gid, 1, info.ModTime()}
}

// self is who the server runs as.
func self() (uid, gid uint32) { return uint32(max(os.Getuid(), 0)), uint32(max(os.Getgid(), 0)) }

// attrs appends ATTRS with all there is.
func (b *batch) attrs(info fs.FileInfo, s sys) {
	b.u32(attrSize | attrUIDGID | attrMode | attrTimes)
	b.u64(uint64(max(info.Size(), 0)))
	b.u32(s.uid)
	b.u32(s.gid)
	b.u32(modeOf(info.Mode()))
	b.u32(seconds(s.atime))
	b.u32(seconds(info.ModTime()))
}

// seconds is a time as version 3 can tell it: from 1970 to 2106.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

func modeOf(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, special := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&special.mode != 0 {
			bits |= special.bit
		}
	}
	switch {
	case m.IsRegular():
		return bits | kindFile
	case m.IsDir():
		return bits | kindDir
	case m&fs.ModeSymlink != 0:
		return bits | kindLink
	case m&fs.ModeNamedPipe != 0:
		return bits | kindFIFO
	case m&fs.ModeSocket != 0:
		return bits | kindSocket
	case m&fs.ModeCharDevice != 0:
		return bits | kindChar
	case m&fs.ModeDevice != 0:
		return bits | kindBlock
	}
	return bits
}

func putCount(p []byte, n uint32) { binary.BigEndian.PutUint32(p, n) }
