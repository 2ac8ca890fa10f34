//go:build !(linux || darwin || freebsd || netbsd)

package localfs

import "os"

// identify is Lstat; there is no identity that outlives a reused inode.
func (t *tree) identify(rel string) (*info, error) { return identifyIn(t.root, rel) }

func identifyIn(dir *os.Root, rel string) (*info, error) {
	fi, err := dir.Lstat(rel)
	if err != nil {
		return nil, err
	}
	return &info{FileInfo: fi, name: fi.Name()}, nil
}

// infoOf is the state of an open file.
func infoOf(f *os.File) (*info, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &info{FileInfo: fi, name: fi.Name()}, nil
}
