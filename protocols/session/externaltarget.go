package session

import (
	"context"
	"errors"
	"path"
	"slices"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// openTrees finds the tree of each target and applies the rules to it.
func (x *External) openTrees(ctx context.Context, host vfs.Hosted) error {
	var dirs []string
	for _, target := range x.use.Targets {
		asked, err := parse(x.use.Command, target.Name)
		if err != nil {
			return err
		}
		name, dir, err := x.locate(ctx, asked, target.Follow)
		if err != nil {
			return err
		}
		x.names = append(x.names, name)
		for _, d := range []string{dir, asked} {
			if !x.s.ruledAlike(d) {
				return refuse(x.use.Command, asked, vfs.ErrPermission)
			}
		}
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if slices.ContainsFunc(x.trees, func(t ExternalTree) bool { return vfs.Within(t.Name, dir) }) {
			continue
		}
		f, err := host.HostDir(ctx, dir)
		if err != nil {
			return err
		}
		x.trees = append(x.trees, ExternalTree{Name: dir, Dir: f})
	}
	return nil
}

// locate returns the target without links and the directory that the program
// needs: the target itself, or the nearest one above that is there.
func (x *External) locate(ctx context.Context, asked string, follow bool) (name, dir string, err error) {
	s := x.s
	info, err := s.lstat(ctx, asked)
	if err == nil && follow {
		info, err = s.fs.Stat(ctx, asked)
	}
	switch {
	case err == nil && (follow || info.IsDir()):
		if name, err = x.resolve(ctx, asked); err != nil {
			return "", "", err
		}
		if info.IsDir() {
			return name, name, nil
		}
		return name, path.Dir(name), nil
	case err != nil && !errors.Is(err, vfs.ErrNotExist):
		return "", "", err
	case err == nil:
		dir, err = x.resolve(ctx, path.Dir(asked))
		return path.Join(dir, path.Base(asked)), dir, err
	}
	_, dir, err = x.locate(ctx, path.Dir(asked), true)
	if err != nil {
		return "", "", err
	}
	parent, err := x.resolve(ctx, path.Dir(asked))
	if errors.Is(err, vfs.ErrNotExist) {
		parent, err = path.Dir(asked), nil // there is nothing to follow
	}
	return path.Join(parent, path.Base(asked)), dir, err
}

func (x *External) resolve(ctx context.Context, name string) (string, error) {
	r, ok := vfs.As[vfs.Resolver](x.s.fs)
	if !ok {
		return "", refuse(x.use.Command, name, vfs.ErrUnsupported)
	}
	return r.Resolve(ctx, name)
}

// ruledAlike reports whether all that a program could do to a tree is allowed
// everywhere in it.
func (s *Session) ruledAlike(dir string) bool {
	u := &s.user
	dirs := []string{dir}
	for d := range u.Permissions {
		if vfs.Within(dir, d) {
			dirs = append(dirs, d)
		}
	}
	for _, perm := range []string{
		dataprovider.PermList, dataprovider.PermDownload, dataprovider.PermUpload,
		dataprovider.PermCreateDirs, dataprovider.PermOverwrite, dataprovider.PermDelete,
	} {
		if slices.ContainsFunc(dirs, func(d string) bool { return !u.Allows(perm, d) }) {
			return false
		}
	}
	filtered := func(at string) bool { return vfs.Within(dir, at) || vfs.Within(at, dir) }
	return !slices.ContainsFunc(u.Filters.FileExtensions, func(f dataprovider.ExtensionsFilter) bool { return filtered(f.Path) }) &&
		!slices.ContainsFunc(u.Filters.FilePatterns, func(f dataprovider.PatternsFilter) bool { return filtered(f.Path) })
}
