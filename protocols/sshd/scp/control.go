package scp

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLine is the longest control line, above the longest name with its mode and
// size.
const maxLine = 8 << 10

// control is one line of the protocol. Kind 'C' announces a file, 'D' a
// directory, 'E' its end, and 'T' the times of what the next line announces.
type control struct {
	kind         byte
	mode         fs.FileMode // C, D: permission bits
	size         int64       // C
	name         string      // C, D: one component
	mtime, atime time.Time   // T
}

// parseControl parses a line without its newline.
func parseControl(line string) (control, error) {
	if line == "" {
		return control{}, fmt.Errorf("empty line")
	}
	c := control{kind: line[0]}
	var err error
	switch c.kind {
	case 'E':
		if line != "E" {
			err = fmt.Errorf("text after E")
		}
	case 'T':
		err = c.parseTimes(line[1:])
	case 'C', 'D':
		err = c.parseEntry(line[1:])
	default:
		err = fmt.Errorf("unexpected line")
	}
	if err != nil {
		return control{}, err
	}
	return c, nil
}

// parseTimes reads "<mtime> <usec> <atime> <usec>".
func (c *control) parseTimes(text string) error {
	fields := strings.Split(text, " ")
	if len(fields) != 4 {
		return fmt.Errorf("bad times")
	}
	var n [4]int64
	for i, f := range fields {
		limit := int64(math.MaxUint32) * 16 // far beyond what a file can have
		if i%2 == 1 {
			limit = 999_999
		}
		v, err := number(f, limit)
		if err != nil {
			return fmt.Errorf("bad times: %w", err)
		}
		n[i] = v
	}
	c.mtime = time.Unix(n[0], n[1]*int64(time.Microsecond))
	c.atime = time.Unix(n[2], n[3]*int64(time.Microsecond))
	return nil
}

// parseEntry reads "<mode> <size> <name>".
func (c *control) parseEntry(text string) error {
	mode, text, ok := strings.Cut(text, " ")
	if !ok {
		return fmt.Errorf("no size")
	}
	size, name, ok := strings.Cut(text, " ")
	if !ok {
		return fmt.Errorf("no name")
	}
	if mode == "" || len(mode) > 7 || strings.Trim(mode, "01234567") != "" {
		return fmt.Errorf("bad mode")
	}
	m, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return fmt.Errorf("bad mode")
	}
	if c.size, err = number(size, math.MaxInt64); err != nil {
		return fmt.Errorf("bad size: %w", err)
	}
	if err := checkName(name); err != nil {
		return err
	}
	c.mode, c.name = fs.FileMode(m&0o777), name
	return nil
}

// number parses digits only; strconv would take a sign.
func number(s string, limit int64) (int64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("not a number")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > limit {
		return 0, fmt.Errorf("out of range")
	}
	return n, nil
}

// checkName refuses what is not one component: a client must not choose the
// directory by the name of a file (CVE-2019-6111 is the same on the other side).
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00\n") {
		return fmt.Errorf("unexpected filename")
	}
	return nil
}

// entryLine returns the line, newline included, that announces a file ('C') or
// a directory ('D'). Storage without modes gets the usual ones.
func entryLine(kind byte, mode fs.FileMode, size int64, name string) string {
	perm := uint32(mode.Perm())
	if perm == 0 {
		perm = 0o644
		if kind == 'D' {
			perm = 0o755
		}
	}
	for bit, digit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&bit != 0 {
			perm |= digit
		}
	}
	return fmt.Sprintf("%c%04o %d %s\n", kind, perm, size, name)
}

// timesLine returns the line, newline included, that goes before an entry with
// -p.
func timesLine(mtime, atime time.Time) string {
	return fmt.Sprintf("T%d 0 %d 0\n", max(mtime.Unix(), 0), max(atime.Unix(), 0))
}
