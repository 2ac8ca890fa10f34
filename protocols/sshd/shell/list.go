package shell

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sftpgo/protocols"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// maxSorted is how many entries of a directory are kept to be sorted. The others
// follow as the storage yields them: clients sort by themselves.
const maxSorted = 10_000

// fullTime and what it stands for. WinSCP asks for it first ("Try to get full
// timestamp"), and goes without it when that fails.
const (
	fullTime  = "--full-time"
	fullStyle = "--time-style=full-iso"
)

// list is "ls": -a -A -l -d -1 -t -r, and --full-time, which is -l with times to
// the nanosecond. Links to a directory that are named are followed.
func list(ctx context.Context, c *call) uint32 {
	o, operands, ok := c.split("aAld1tr", fullTime, fullStyle)
	if !ok {
		return statusMisuse
	}
	if len(operands) == 0 {
		operands = []shellword.Word{{Text: ".", Pattern: "."}}
	}
	l := &listing{call: c, o: o, full: len(o.long) > 0, long: o.has('l') || slices.Contains(o.long, fullTime)}
	status := uint32(statusOK)
	for i, w := range operands {
		l.header = ""
		if len(operands) > 1 {
			l.header = w.Text + ":\n"
			if i > 0 {
				l.header = "\n" + l.header
			}
		}
		if err := l.name(ctx, w); err != nil {
			c.complain(c.name + ": cannot access '" + w.Text + "': " + protocols.StatusOf(err).Text)
			status = statusMisuse
		}
	}
	return status
}

// listing is one call of ls.
type listing struct {
	*call
	o          options
	long, full bool
	header     string // before what a directory holds
}

// row is one line: something under the name to show.
type row struct {
	info  fs.FileInfo
	shown string
	name  string // where it is, for the text of a link
}

// name shows a directory's entries, or else the one that has that name.
func (l *listing) name(ctx context.Context, w shellword.Word) error {
	name := l.at(w)
	if l.o.has('d') {
		return l.itself(ctx, name, w.Text)
	}
	// Who may list in a directory may not be allowed to look at it from above.
	info, err := l.s.Stat(ctx, name)
	switch {
	case err == nil && !info.IsDir(), errors.Is(err, vfs.ErrNotExist):
		return l.itself(ctx, name, w.Text)
	}
	return l.directory(ctx, name)
}

// itself shows one entry. A slash at the end says that it should be a directory,
// and that a link is to be followed.
func (l *listing) itself(ctx context.Context, name, shown string) error {
	look := l.s.Lstat
	if strings.HasSuffix(shown, "/") {
		look = l.s.Stat
	}
	info, err := look(ctx, name)
	if err == nil && strings.HasSuffix(shown, "/") && !info.IsDir() {
		err = vfs.ErrNotDir
	}
	if err != nil {
		return err
	}
	rows := []row{{info, shown, name}}
	l.write(ctx, rows, widthsOf(rows))
	return nil
}

// directory shows what a directory holds.
func (l *listing) directory(ctx context.Context, name string) error {
	var rows []row
	var w widths
	sorted := false
	if l.o.has('a') {
		rows = l.dots(ctx, name)
	}
	dots := len(rows)
	begin := func() {
		l.sort(rows)
		w = widthsOf(rows)
		l.print("%s", l.header)
		if l.long {
			l.print("total %d\n", blocks(rows))
		}
		l.write(ctx, rows, w)
		sorted = true
	}
	for info, err := range l.s.List(ctx, name) {
		if err != nil {
			if !sorted && len(rows) > dots {
				begin() // what there is
			}
			return err
		}
		if strings.HasPrefix(info.Name(), ".") && !l.o.has('a') && !l.o.has('A') {
			continue
		}
		r := row{info, info.Name(), path.Join(name, info.Name())}
		if sorted {
			l.write(ctx, []row{r}, w)
			if l.ended() {
				return nil
			}
			l.s.Touch() // the client reads
			continue
		}
		if rows = append(rows, r); len(rows) == maxSorted {
			begin()
		}
	}
	if !sorted {
		begin()
	}
	return nil
}

// dots are the entries for the directory itself and for the one above it, which at
// the root is the root. WinSCP takes a directory without them for one that it may
// not list.
func (l *listing) dots(ctx context.Context, name string) []row {
	var rows []row
	for _, dot := range []string{".", ".."} {
		at := path.Join(name, dot) // cleaned: the root stays the root
		info, err := l.s.Stat(ctx, at)
		if err != nil || !info.IsDir() {
			info = unseen{}
		}
		rows = append(rows, row{info, dot, at})
	}
	return rows
}

func (l *listing) sort(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		order := cmp.Compare(a.shown, b.shown)
		if l.o.has('t') {
			order = cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), order)
		}
		if l.o.has('r') {
			return -order
		}
		return order
	})
}
