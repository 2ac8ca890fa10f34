package localfs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"

	"sftpgo/vfs"
)

// staging is an upload that nobody sees yet: a file beside its target, held
// with a lock for as long as the upload lives, so that Sweep knows.
type staging struct {
	dir       *os.Root // where target and staged file are; it may be moved meanwhile
	f         *os.File
	name      string // of the staged file in dir
	base      string // of the target in dir
	published bool
}

// stage makes the staged file for the target at rel. A target that exists is
// not touched; mode and owner are taken from it.
func (t *tree) stage(rel string, found fs.FileInfo, name string) (*staging, error) {
	parent, base := split(rel)
	dir, err := t.openDir(parent)
	if err != nil {
		return nil, err
	}
	s := &staging{dir: dir, base: base}
	if err := s.create(found); err != nil {
		dir.Close()
		return nil, err
	}
	if found == nil {
		t.give(s.f, name, t.owner)
		return s, nil
	}
	if os.Geteuid() == 0 {
		t.give(s.f, name, ownerOf(found))
	}
	if err := s.f.Chmod(found.Mode().Perm()); err != nil {
		t.log.Warn("cannot keep mode", "sender", sender, "name", name, "error", err)
	}
	return s, nil
}

// create makes the staged file and locks it. Between the two a Sweep may take
// it for abandoned; then it is made again.
func (s *staging) create(found fs.FileInfo) error {
	perm := fs.FileMode(0o666)
	if found != nil {
		// Never more open than the target, not even for a moment; the owner
		// needs no more than the handle.
		perm &= found.Mode().Perm()
	}
	for range maxRaces {
		name := stagedName(s.base)
		f, err := s.dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|openNonblock, perm)
		if err != nil {
			return err
		}
		lock(f)
		if named(s.dir, name, f) {
			s.f, s.name = f, name
			return nil
		}
		f.Close()
	}
	return errRaced
}

// named reports whether the name in dir still is that of the open file.
func named(dir *os.Root, name string, f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := dir.Lstat(name)
	return err == nil && os.SameFile(open, there)
}

// stagedName returns a new name for the upload of base; both fit a component.
func stagedName(base string) string {
	var id [12]byte
	rand.Read(id[:]) // never fails
	prefix := vfs.StagingPrefix + hex.EncodeToString(id[:]) + "."
	room := vfs.MaxComponent - len(prefix)
	if len(base) > room {
		for room > 0 && !utf8.RuneStart(base[room]) {
			room--
		}
		base = base[:room]
	}
	return prefix + base
}

// publish gives the staged file its name.
func (s *staging) publish(mode vfs.Mode) error {
	if !mode.Has(vfs.Excl) {
		err := s.dir.Rename(s.name, s.base)
		if errors.Is(err, fs.ErrExist) {
			// os.Root says so when a directory has taken the name.
			return vfs.ErrIsDir
		}
		s.published = err == nil
		return err
	}
	err := s.dir.Link(s.name, s.base)
	if noLinks(err) {
		return s.publishReserved()
	}
	if err != nil {
		return err
	}
	s.published = true
	// The file is there under its name whatever comes of this; Sweep removes
	// a second name that stays.
	_ = s.dir.Remove(s.name)
	return nil
}

// publishReserved is for storage without hard links (vfat, some network
// mounts): it takes the name with an empty file, which others may see for a
// moment, and renames over it.
func (s *staging) publishReserved() error {
	f, err := s.dir.OpenFile(s.base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	if err := s.dir.Rename(s.name, s.base); err != nil {
		_ = s.dir.Remove(s.base)
		return err
	}
	s.published = true
	return nil
}

// noLinks reports whether err says that the storage has no hard links.
func noLinks(err error) bool {
	if err == nil {
		return false
	}
	cause := bare(err)
	return cause == syscall.EPERM || cause == syscall.EMLINK || errors.Is(cause, errors.ErrUnsupported)
}

// drop removes a staged file that was not published. The caller closes f after
// it, so that the lock outlives the name.
func (s *staging) drop() error {
	if s.published {
		return nil
	}
	err := s.dir.Remove(s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
