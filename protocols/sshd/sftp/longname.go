package sftp

import (
	"io/fs"
	"strconv"
	"time"

	"sftpgo/protocols/sshd/lsline"
	"sftpgo/vfs"
)

// maxEntry is room for one entry of a directory: its name twice and the numbers.
const maxEntry = 2*vfs.MaxName + 256

// entry appends one entry of a NAME reply.
func (b *batch) entry(info fs.FileInfo, now time.Time) {
	s := sysOf(info)
	name := info.Name()
	if len(name) > vfs.MaxName {
		name = name[:vfs.MaxName] // no storage has such
	}
	b.text(name)
	at := len(b.buf)
	b.u32(0)
	b.buf = appendLong(b.buf, info, s, name, now)
	putCount(b.buf[at:], uint32(len(b.buf)-at-4))
	b.attrs(info, s)
}

// appendLong appends the line of `ls -l`, which clients show and some parse
// (draft 02, section 7). Owners are numbers: names of accounts are nobody's
// business.
func appendLong(p []byte, info fs.FileInfo, s sys, name string, now time.Time) []byte {
	p = lsline.AppendMode(p, info.Mode())
	p = append(p, ' ')
	p = appendPadded(p, s.links, 4, true)
	p = append(p, ' ')
	p = appendPadded(p, uint64(s.uid), 8, false)
	p = append(p, ' ')
	p = appendPadded(p, uint64(s.gid), 8, false)
	p = append(p, ' ')
	p = appendPadded(p, uint64(max(info.Size(), 0)), 8, true)
	p = append(p, ' ')
	p = lsline.AppendTime(p, info.ModTime(), now)
	p = append(p, ' ')
	return append(p, name...)
}

func appendPadded(p []byte, v uint64, width int, right bool) []byte {
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], v, 10)
	if !right {
		p = append(p, text...)
	}
	for range width - len(text) {
		p = append(p, ' ')
	}
	if right {
		p = append(p, text...)
	}
	return p
}
