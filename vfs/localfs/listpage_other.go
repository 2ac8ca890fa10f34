//go:build !linux

package localfs

import (
	"errors"
	"io/fs"
)

// pageSize is how many names of a directory are held at a time.
const pageSize = 256

func (r *reader) names() ([]string, error) { return r.d.Readdirnames(pageSize) }

func (r *reader) look(names []string) page {
	p := page{infos: make([]fs.FileInfo, 0, len(names))}
	for _, name := range names {
		entry, err := r.dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			p.err = err
			return p
		}
		p.infos = append(p.infos, &info{FileInfo: entry, name: name})
	}
	return p
}
