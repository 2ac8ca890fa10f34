package localfs

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"sftpgo/vfs"
)

var (
	_ vfs.Resolver = (*FS)(nil)
	_ vfs.Placer   = (*FS)(nil)
	_ vfs.Rooted   = (*FS)(nil)
	_ vfs.Replacer = (*File)(nil)
)

// Resolve returns the name without links that name leads to.
func (s *FS) Resolve(ctx context.Context, name string) (string, error) {
	rel, err := s.enter(ctx, "resolve", name)
	if err != nil {
		return "", err
	}
	parts, err := s.t.realDir(rel)
	if errors.Is(err, fs.ErrNotExist) {
		parts, err = s.t.resolveMissing(rel)
	}
	if err != nil {
		return "", s.t.fail("resolve", name, err)
	}
	return "/" + strings.Join(parts, "/"), nil
}

// resolveMissing is for a name whose last component, or what that links to, is
// not there.
func (t *tree) resolveMissing(rel string) ([]string, error) {
	at, _, err := t.follow(rel)
	if err != nil {
		return nil, err
	}
	dir, base := split(at)
	if base == "" || base == "." || base == ".." {
		return nil, fs.ErrNotExist
	}
	parts, err := t.realDir(dir)
	return append(parts, base), err
}

// Place is the identity of the directory, with its device, and the name in it.
func (s *FS) Place(ctx context.Context, name string) (string, error) {
	rel, err := s.enter(ctx, "place", name)
	if err != nil {
		return "", err
	}
	dir, base := split(rel)
	found, err := s.t.identify(dir + "/.")
	if err != nil {
		return "", s.t.fail("place", name, err)
	}
	if found.id == "" {
		return s.StoragePath(name), nil
	}
	return deviceOf(found) + found.id + "/" + base, nil
}

// Replaces looks into the directory that the staged file is in, wherever that has
// been moved.
func (f *File) Replaces() (fs.FileInfo, error) {
	if f.staged == nil {
		return nil, refuse("stat", f.name, vfs.ErrUnsupported, "not staged")
	}
	found, err := identifyIn(f.staged.dir, f.staged.base)
	if err != nil {
		return nil, f.fail("stat", err)
	}
	return found, nil
}
