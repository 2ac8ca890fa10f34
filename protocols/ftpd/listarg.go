package ftpd

import (
	"context"
	"errors"
	"path"
	"strings"

	"sftpgo/vfs"
)

// listed is what LIST, NLST and STAT are asked about.
type listed struct {
	name    string // absolute and clean
	pattern string // of entries of the directory name; "" is all
	entry   *entry // of name
}

// listArg reads the argument of LIST, NLST or STAT. Old clients put options of ls
// before the name; they are ignored, because the form of a listing is fixed, but
// for -R: a client that asks for a tree and gets a directory would miss the rest
// in silence. A name that looks like an option is a name if there is such a file.
// A pattern in the last component is what clients send for mget.
func (d *driver) listArg(ctx context.Context, verb, arg string) (listed, error) {
	for strings.HasPrefix(arg, "-") {
		if l, err := d.lookUp(ctx, verb, arg); err == nil {
			return l, nil
		}
		option, rest, _ := strings.Cut(arg, " ")
		arg = strings.TrimLeft(rest, " ")
		if option == "--" {
			break
		}
		if strings.ContainsRune(option, 'R') {
			return listed{}, &refusal{504, "Recursive listings are not supported, list each directory"}
		}
	}
	l, err := d.lookUp(ctx, verb, arg)
	if err == nil || !errors.Is(err, vfs.ErrNotExist) {
		return l, err
	}
	dir, pattern := path.Split(arg)
	if !strings.ContainsAny(pattern, "*?[") {
		return l, err
	}
	if l, lerr := d.lookUp(ctx, verb, dir); lerr == nil && l.entry.IsDir() {
		l.pattern = pattern
		return l, nil
	}
	return l, err
}

func (d *driver) lookUp(ctx context.Context, verb, raw string) (listed, error) {
	name, err := d.resolve(verb, raw)
	if err != nil {
		return listed{}, err
	}
	info, err := d.s.Stat(ctx, name)
	if err != nil {
		return listed{}, err
	}
	return listed{name: name, entry: newEntry(info)}, nil
}

// matches is path.Match; like a shell, a pattern does not find hidden files unless
// it begins with a dot, and one that is malformed finds nothing.
func matches(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") {
		return false
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// relative is how a client in the directory base may call dir: with a slash at the
// end, or empty for base itself.
func relative(base, dir string) string {
	up := ""
	for base != dir {
		if rest, ok := strings.CutPrefix(dir, withSlash(base)); ok {
			return up + withSlash(rest)
		}
		up += "../"
		base = path.Dir(base)
	}
	return up
}

func withSlash(dir string) string {
	if strings.HasSuffix(dir, "/") {
		return dir
	}
	return dir + "/"
}
