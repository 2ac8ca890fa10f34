//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package localfs

import "time"

// setTimes goes by the name that the file has now: this system has no call for
// a handle.
func (f *File) setTimes(atime, mtime time.Time) error {
	if s := f.staged; s != nil {
		if s.published {
			return s.dir.Chtimes(s.base, atime, mtime)
		}
		return s.dir.Chtimes(s.name, atime, mtime)
	}
	rel, err := relative(f.name)
	if err != nil {
		return err
	}
	return f.t.root.Chtimes(rel, atime, mtime)
}
