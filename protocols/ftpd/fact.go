package ftpd

import (
	"fmt"
	"strings"

	"sftpgo/protocols/session"
)

// facts are those of RFC 3659, section 7.5, that a client wants to see.
type facts uint8

const (
	factType facts = 1 << iota
	factSize
	factModify
	factPerm
	factUnique
	factMode

	allFacts = factType | factSize | factModify | factPerm | factUnique | factMode
)

// factNames are in the order in which facts are shown; a list for each bit.
func factNames() []string { return []string{"Type", "Size", "Modify", "Perm", "Unique", "UNIX.mode"} }

// factsOf reads the argument of OPTS MLST; what is unknown is left out.
func factsOf(list string) facts {
	var f facts
	for name := range strings.SplitSeq(list, ";") {
		for i, known := range factNames() {
			if strings.EqualFold(name, known) {
				f |= 1 << i
			}
		}
	}
	return f
}

// offer is the list for FEAT, with a star for what is on.
func (f facts) offer() string {
	var b strings.Builder
	for i, name := range factNames() {
		b.WriteString(name)
		if f&(1<<i) != 0 {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// String is the list of what is on.
func (f facts) String() string {
	var b strings.Builder
	for i, name := range factNames() {
		if f&(1<<i) != 0 {
			b.WriteString(name + ";")
		}
	}
	return b.String()
}

// mlsxTime is the format of times in facts, always UTC.
const mlsxTime = "20060102150405"

// appendFacts appends facts and name of e (RFC 3659, section 7.2). in holds in the
// directory of e, and of in e itself, if it is one.
func (f facts) appendFacts(b []byte, e *entry, in, of session.Rights) []byte {
	if f&factType != 0 {
		b = append(b, "Type="...)
		if e.IsDir() {
			b = append(b, "dir;"...)
		} else {
			b = append(b, "file;"...)
		}
	}
	if f&factSize != 0 {
		b = fmt.Appendf(b, "Size=%d;", e.size)
	}
	if f&factModify != 0 {
		b = append(e.time.AppendFormat(append(b, "Modify="...), mlsxTime), ';')
	}
	if f&factPerm != 0 {
		b = append(appendPerm(append(b, "Perm="...), e, in, of), ';')
	}
	if f&factUnique != 0 && e.unique != "" {
		b = fmt.Appendf(b, "Unique=%s;", e.unique)
	}
	if f&factMode != 0 {
		b = fmt.Appendf(b, "UNIX.mode=%04o;", e.mode.Perm())
	}
	return append(append(b, ' '), e.name...)
}

// appendPerm appends the letters of RFC 3659, section 7.5.5.
func appendPerm(b []byte, e *entry, in, of session.Rights) []byte {
	add := func(letter byte, may bool) {
		if may {
			b = append(b, letter)
		}
	}
	if e.IsDir() {
		add('c', of.Upload)
		add('d', in.Delete)
		add('e', in.List)
		add('f', in.Rename)
		add('l', of.List)
		add('m', of.CreateDirs)
		add('p', of.Delete)
		return b
	}
	add('a', in.Overwrite)
	add('d', in.Delete)
	add('f', in.Rename)
	add('r', in.Download)
	add('w', in.Overwrite)
	return b
}
