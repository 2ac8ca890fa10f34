package localfs

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sftpgo/vfs"
)

// maxLinks bounds how many links are followed, as os.Root does.
const maxLinks = 8

// Lstat does not follow the last component.
func (s *FS) Lstat(ctx context.Context, name string) (fs.FileInfo, error) {
	rel, err := s.enter(ctx, "lstat", name)
	if err != nil {
		return nil, err
	}
	found, err := s.t.identify(rel)
	if err != nil {
		return nil, s.t.fail("lstat", name, err)
	}
	found.name = path.Base(name)
	return found, nil
}

// Symlink creates newname as a link with the text target. A relative text is
// stored as given, wherever it leads; following it never leaves the root. An
// absolute one counts from the root of this storage and is stored as a relative
// text with the same meaning, because os.Root follows no absolute link and
// another program would take it for a path of the host.
func (s *FS) Symlink(ctx context.Context, target, newname string) error {
	rel, err := s.enter(ctx, "symlink", newname)
	if err != nil {
		return err
	}
	if target == "" || strings.IndexByte(target, 0) >= 0 {
		return refuse("symlink", newname, vfs.ErrName, "target is empty or contains NUL")
	}
	if strings.HasPrefix(target, "/") {
		if target, err = s.t.relativeTarget(target, rel); err != nil {
			return s.t.fail("symlink", newname, err)
		}
	}
	if err := s.t.root.Symlink(filepath.FromSlash(target), rel); err != nil {
		return s.t.fail("symlink", newname, err)
	}
	if o := s.t.owner; !o.none() {
		if err := s.t.root.Lchown(rel, o.uid, o.gid); err != nil {
			s.t.ownerFailed(newname, err)
		}
	}
	return nil
}

// relativeTarget says target, absolute in the storage, from the directory that
// really holds rel: the ".." of a link count from there.
func (t *tree) relativeTarget(target, rel string) (string, error) {
	target, err := vfs.ParseName("/", target)
	if err != nil {
		return "", err
	}
	dir, _ := split(rel)
	real, err := t.realDir(dir)
	if err != nil {
		return "", err
	}
	up := slices.Repeat([]string{".."}, len(real))
	if target != "/" {
		up = append(up, target[1:])
	}
	if len(up) == 0 {
		return ".", nil
	}
	return strings.Join(up, "/"), nil
}

// realDir returns the components of the directory that rel leads to.
func (t *tree) realDir(rel string) ([]string, error) {
	rest := strings.Split(rel, "/")
	var real []string
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(real) == 0 {
				return nil, t.escape
			}
			real = real[:len(real)-1]
			continue
		}
		at := strings.Join(append(slices.Clone(real), part), "/")
		fi, err := t.root.Lstat(at)
		if err != nil {
			return nil, err
		}
		if fi.Mode().Type() != fs.ModeSymlink {
			real = append(real, part)
			continue
		}
		if links++; links > maxLinks {
			return nil, syscall.ELOOP
		}
		text, err := t.linkText(at)
		if err != nil {
			return nil, err
		}
		rest = append(strings.Split(text, "/"), rest...)
	}
	return real, nil
}

// Readlink returns the text of a link. A text that is absolute on the host,
// which only other programs create, comes back as a name of this storage, or is
// vfs.ErrPermission when it leads outside.
func (s *FS) Readlink(ctx context.Context, name string) (string, error) {
	rel, err := s.enter(ctx, "readlink", name)
	if err != nil {
		return "", err
	}
	text, err := s.t.root.Readlink(rel)
	if errors.Is(err, syscall.EINVAL) {
		return "", refuse("readlink", name, vfs.ErrUnsupported, "not a symbolic link")
	}
	if err != nil {
		return "", s.t.fail("readlink", name, err)
	}
	if !filepath.IsAbs(text) {
		return filepath.ToSlash(text), nil
	}
	inside, err := filepath.Rel(s.t.path, text)
	if err != nil || !filepath.IsLocal(inside) {
		return "", refuse("readlink", name, vfs.ErrPermission, "leads outside")
	}
	return path.Join("/", filepath.ToSlash(inside)), nil
}

// follow resolves links in the last component of rel; os.Root sees to those
// before it. It returns what is there, not a link, or nil if nothing is: then
// the name returned is the one that creating the file would give it.
func (t *tree) follow(rel string) (string, fs.FileInfo, error) {
	for range maxLinks + 1 {
		fi, err := t.root.Lstat(rel)
		if errors.Is(err, fs.ErrNotExist) {
			return rel, nil, nil
		}
		if err != nil {
			return "", nil, err
		}
		if fi.Mode().Type() != fs.ModeSymlink {
			return rel, fi, nil
		}
		text, err := t.linkText(strings.TrimRight(rel, "/"))
		if err != nil {
			return "", nil, err
		}
		// Not cleaned: os.Root resolves ".." after the links before it.
		dir, _ := split(rel)
		rel = dir + "/" + text
	}
	return "", nil, syscall.ELOOP
}

// linkText reads a link that is to be followed.
func (t *tree) linkText(rel string) (string, error) {
	text, err := t.root.Readlink(rel)
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(text) {
		return "", t.escape
	}
	return filepath.ToSlash(text), nil
}
