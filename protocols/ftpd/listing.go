package ftpd

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// maxEntries is the longest listing. It is sorted, so the whole of it is in memory
// before the first line is sent; this many take about 60 MiB.
const maxEntries = 500_000

// entry is a FileInfo that holds what a listing shows and nothing of the
// storage. Times are in UTC, as RFC 3659 wants them and as clients take those of
// LIST.
type entry struct {
	name   string
	size   int64
	mode   fs.FileMode
	time   time.Time
	unique string // see uniqueOf
}

func (e *entry) Name() string       { return e.name }
func (e *entry) Size() int64        { return e.size }
func (e *entry) Mode() fs.FileMode  { return e.mode }
func (e *entry) ModTime() time.Time { return e.time }
func (e *entry) IsDir() bool        { return e.mode.IsDir() }
func (e *entry) Sys() any           { return nil }

// newEntry takes over what info says. The set-id and sticky bits are left out:
// Go prints each as a letter of its own before the nine, which clients do not
// parse. A line cannot hold CR and LF, whatever the name does.
func newEntry(info fs.FileInfo) *entry {
	return &entry{
		name:   lineBreaks.Replace(info.Name()),
		size:   info.Size(),
		mode:   info.Mode() & (fs.ModeDir | fs.ModePerm),
		time:   info.ModTime().UTC(),
		unique: uniqueOf(info),
	}
}

var lineBreaks = strings.NewReplacer("\r", "?", "\n", "?")

// linkMode prints as "lrwxrwxrwx": the letter that Go gives to exclusive files
// is the one that ls gives to links, and that clients know.
const linkMode = fs.ModeExclusive | fs.ModePerm

// list collects what matches pattern in a directory, in name order; "" is all.
// asLinks shows links as ls does; where there is no form for a link, what it
// points to is shown.
func (d *driver) list(ctx context.Context, dir, pattern string, most int, asLinks linkForm) ([]*entry, error) {
	var list []*entry
	for info, err := range d.s.List(ctx, dir) {
		if err != nil {
			return nil, err
		}
		if pattern != "" && !matches(pattern, info.Name()) {
			continue
		}
		if len(list) == most {
			return nil, &refusal{450, fmt.Sprintf("directory has more than %d entries", most)}
		}
		e := newEntry(info)
		if info.Mode()&fs.ModeSymlink != 0 {
			d.describeLink(ctx, e, path.Join(dir, info.Name()), asLinks)
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// linkForm says how a listing shows links.
type linkForm uint8

const (
	linkTarget linkForm = iota // as what they point to
	linkArrow                  // as ls -l does
)

func (d *driver) describeLink(ctx context.Context, e *entry, name string, form linkForm) {
	if form == linkArrow {
		e.mode = linkMode
		if target, err := d.s.Readlink(ctx, name); err == nil {
			e.name += " -> " + lineBreaks.Replace(target)
		}
		return
	}
	if info, err := d.s.Stat(ctx, name); err == nil { // a dangling link stays a file
		shown := e.name
		*e = *newEntry(info)
		e.name = shown
	}
}

// recently is how old the time of a line with hour and minute may be, as for ls.
const recently = 180 * 24 * time.Hour

// appendLong appends a line of "ls -l", which is what every client parses.
func appendLong(b []byte, e *entry, now time.Time) []byte {
	layout := "Jan _2 15:04"
	if age := now.Sub(e.time); age > recently || age < -24*time.Hour {
		layout = "Jan _2  2006"
	}
	b = fmt.Appendf(b, "%s 1 ftp ftp %12d ", e.mode, e.size)
	b = append(e.time.AppendFormat(b, layout), ' ')
	return append(b, e.name...)
}
