package sftp

import (
	"io/fs"
	"strconv"
	"time"

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
	p = appendMode(p, info.Mode())
	p = append(p, ' ')
	p = appendPadded(p, s.links, 4, true)
	p = append(p, ' ')
	p = appendPadded(p, uint64(s.uid), 8, false)
	p = append(p, ' ')
	p = appendPadded(p, uint64(s.gid), 8, false)
	p = append(p, ' ')
	p = appendPadded(p, uint64(max(info.Size(), 0)), 8, true)
	p = append(p, ' ')
	p = appendTime(p, info.ModTime(), now)
	p = append(p, ' ')
	return append(p, name...)
}

// appendMode appends the ten characters of `ls -l`.
func appendMode(p []byte, m fs.FileMode) []byte {
	kind := byte('?')
	switch {
	case m.IsRegular():
		kind = '-'
	case m.IsDir():
		kind = 'd'
	case m&fs.ModeSymlink != 0:
		kind = 'l'
	case m&fs.ModeNamedPipe != 0:
		kind = 'p'
	case m&fs.ModeSocket != 0:
		kind = 's'
	case m&fs.ModeCharDevice != 0:
		kind = 'c'
	case m&fs.ModeDevice != 0:
		kind = 'b'
	}
	p = append(p, kind)
	for i := range 9 {
		c := byte('-')
		if m&(1<<(8-i)) != 0 {
			c = "rwx"[i%3]
		}
		p = append(p, c)
	}
	bits := p[len(p)-9:]
	special(&bits[2], m&fs.ModeSetuid != 0, 's', 'S')
	special(&bits[5], m&fs.ModeSetgid != 0, 's', 'S')
	special(&bits[8], m&fs.ModeSticky != 0, 't', 'T')
	return p
}

func special(c *byte, set bool, with, without byte) {
	switch {
	case set && *c == 'x':
		*c = with
	case set:
		*c = without
	}
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

// halfYear is how old a file may be for its time of day to be shown.
const halfYear = 365 * 24 * time.Hour / 2

func appendTime(p []byte, t, now time.Time) []byte {
	if age := now.Sub(t); age > halfYear || age < -halfYear {
		return t.AppendFormat(p, "Jan _2  2006")
	}
	return t.AppendFormat(p, "Jan _2 15:04")
}
