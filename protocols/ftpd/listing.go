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

// maxEntries is the longest listing. The library wants the whole of it in memory
// before it sends the first line; this many take about 60 MiB.
const maxEntries = 500_000

// entry is a FileInfo that holds what a listing shows and nothing of the
// storage. Times are in UTC, as RFC 3659 wants them and as clients take those of
// LIST.
type entry struct {
	name string
	size int64
	mode fs.FileMode
	time time.Time
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
		name: lineBreaks.Replace(info.Name()),
		size: info.Size(),
		mode: info.Mode() & (fs.ModeDir | fs.ModePerm),
		time: info.ModTime().UTC(),
	}
}

var lineBreaks = strings.NewReplacer("\r", "?", "\n", "?")

// linkMode prints as "lrwxrwxrwx": the letter that Go gives to exclusive files
// is the one that ls gives to links, and that clients know.
const linkMode = fs.ModeExclusive | fs.ModePerm

// list collects a directory in name order. LIST and STAT show links as ls does;
// the other listings have no form for a link and show what it points to.
func (d *driver) list(ctx context.Context, dir string) ([]fs.FileInfo, error) {
	asLinks := slices.Contains([]string{"LIST", "STAT"}, d.c.lastCommand())
	var list []fs.FileInfo
	for info, err := range d.s.List(ctx, dir) {
		if err != nil {
			return nil, err
		}
		if len(list) == maxEntries {
			return nil, &refusal{450, fmt.Sprintf("directory has more than %d entries", maxEntries)}
		}
		e := newEntry(info)
		if info.Mode()&fs.ModeSymlink != 0 {
			d.describeLink(ctx, e, path.Join(dir, info.Name()), asLinks)
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

func (d *driver) describeLink(ctx context.Context, e *entry, name string, asLink bool) {
	if asLink {
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
