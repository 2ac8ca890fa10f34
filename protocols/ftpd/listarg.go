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
	prefix  string // of names in the directory, as the client calls it
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
	l := listed{name: name, entry: newEntry(info), prefix: prefix(raw)}
	if !l.entry.IsDir() {
		dir, _ := path.Split(raw)
		l.prefix = prefix(dir)
	}
	return l, nil
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

// prefix is what NLST puts before each name in the directory that a client called
// dir: what it typed, as ls does and as clients match it (ncftp).
func prefix(dir string) string {
	switch {
	case dir == "" || dir == ".":
		return ""
	case strings.HasSuffix(dir, "/"):
		return lineBreaks.Replace(dir)
	}
	return lineBreaks.Replace(dir) + "/"
}
