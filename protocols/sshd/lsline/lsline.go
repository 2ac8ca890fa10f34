// Package lsline writes the fields of a line of "ls -l" that do not depend on who
// shows it: SFTP has such lines for people (draft 02, section 7), the line reader
// for clients that parse them.
package lsline

import (
	"io/fs"
	"time"
)

// AppendMode appends the ten characters of the kind and the permissions.
func AppendMode(p []byte, m fs.FileMode) []byte {
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

// halfYear is how old a file may be for its time of day to be shown.
const halfYear = 365 * 24 * time.Hour / 2

// AppendTime appends the date with the time of day or, when it is half a year from
// now or more, with the year.
func AppendTime(p []byte, t, now time.Time) []byte {
	if age := now.Sub(t); age > halfYear || age < -halfYear {
		return t.AppendFormat(p, "Jan _2  2006")
	}
	return t.AppendFormat(p, "Jan _2 15:04")
}
