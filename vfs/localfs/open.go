package localfs

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"sftpgo/vfs"
)

// maxRaces bounds how often an open is tried again because the name came or
// went between looking and opening.
const maxRaces = 16

// Open opens a regular file, or a link to one. Anything that is neither file
// nor directory is vfs.ErrPermission: a FIFO would block, a device would act.
func (s *FS) Open(ctx context.Context, name string, mode vfs.Mode) (vfs.File, error) {
	rel, err := s.enter(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	if !valid(mode) {
		return nil, refuse("open", name, vfs.ErrUnsupported, "mode makes no sense")
	}
	if rel == "." {
		return nil, refuse("open", name, vfs.ErrIsDir, "")
	}
	f := &File{ctx: ctx, t: s.t, name: name, mode: mode}
	for range maxRaces {
		var at string
		var found fs.FileInfo
		at, found, err = s.t.lookup(rel, mode)
		if err != nil {
			break
		}
		if mode.Has(vfs.Atomic) {
			f.staged, err = s.t.stage(at, found, name)
		} else {
			f.f, err = s.t.openInPlace(at, found, mode, name)
		}
		if !errors.Is(err, errRaced) {
			break
		}
	}
	if errors.Is(err, errRaced) {
		err = vfs.ErrBusy
	}
	if err != nil {
		return nil, s.t.fail("open", name, err)
	}
	if f.staged != nil {
		f.f = f.staged.f
	}
	return f, nil
}

// errRaced: the name changed between looking and opening.
var errRaced = errors.New("name changed while it was opened")

func valid(mode vfs.Mode) bool {
	switch {
	case !mode.Has(vfs.Read) && !mode.Has(vfs.Write):
		return false
	case mode&(vfs.Create|vfs.Truncate|vfs.Excl|vfs.Atomic) != 0 && !mode.Has(vfs.Write):
		return false
	case mode.Has(vfs.Excl) && !mode.Has(vfs.Create):
		return false
	case mode.Has(vfs.Atomic) && !mode.Has(vfs.Create|vfs.Truncate):
		return false
	}
	return true
}

// lookup finds the file to open, or the name to create it under, and refuses
// what mode does not allow before anything is opened.
func (t *tree) lookup(rel string, mode vfs.Mode) (string, fs.FileInfo, error) {
	if mode.Has(vfs.Excl) {
		// A link counts as existing, wherever it leads (POSIX open, O_EXCL).
		if _, err := t.root.Lstat(rel); err == nil {
			return "", nil, vfs.ErrExist
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, err
		}
		return rel, nil, nil
	}
	at, found, err := t.follow(rel)
	switch {
	case err != nil:
		return "", nil, err
	case found == nil && !mode.Has(vfs.Create):
		return "", nil, vfs.ErrNotExist
	case found == nil:
		// Only the text of a link can end so.
		if _, base := split(at); base == "" || base == "." || base == ".." {
			return "", nil, vfs.ErrNotExist
		}
	default:
		err = regular(found)
	}
	return at, found, err
}

// regular refuses what is not a regular file.
func regular(fi fs.FileInfo) error {
	switch {
	case fi.IsDir():
		return vfs.ErrIsDir
	case !fi.Mode().IsRegular():
		return vfs.ErrPermission
	}
	return nil
}

// openInPlace opens the file that was found, or makes it.
func (t *tree) openInPlace(rel string, found fs.FileInfo, mode vfs.Mode, name string) (*os.File, error) {
	flags := os.O_RDONLY
	switch {
	case mode.Has(vfs.Read | vfs.Write):
		flags = os.O_RDWR
	case mode.Has(vfs.Write):
		flags = os.O_WRONLY
	}
	if mode.Has(vfs.Truncate) {
		flags |= os.O_TRUNC
	}
	if found == nil {
		f, err := t.root.OpenFile(rel, flags|os.O_CREATE|os.O_EXCL|openNonblock, 0o666)
		if errors.Is(err, fs.ErrExist) {
			if mode.Has(vfs.Excl) {
				return nil, vfs.ErrExist
			}
			return nil, errRaced
		}
		if err == nil {
			t.give(f, name, t.owner)
		}
		return f, err
	}
	f, err := t.root.OpenFile(rel, flags|openNonblock, 0)
	if errors.Is(err, fs.ErrNotExist) && mode.Has(vfs.Create) {
		return nil, errRaced
	}
	if err != nil {
		return nil, err
	}
	// What was looked at may be something else by now.
	fi, err := f.Stat()
	if err == nil {
		err = regular(fi)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
