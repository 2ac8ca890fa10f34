package localfs

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"sftpgo/vfs"
)

// tree is one open root directory, shared by every FS on it.
type tree struct {
	root   *os.Root
	path   string // absolute, of the host: for hooks and logs only
	real   string // the same without links
	owner  owner
	escape error // what os.Root says to a name that leads outside
	log    *slog.Logger
	users  int // guarded by the Factory that shares the tree
}

// owner is who new files and directories belong to; -1 leaves one alone.
type owner struct{ uid, gid int }

func (o owner) none() bool { return o.uid < 0 && o.gid < 0 }

// openTree opens the directory of cfg and makes it when it is missing.
func openTree(cfg Config, log *slog.Logger) (*tree, error) {
	root, err := os.OpenRoot(cfg.Root)
	made := false
	if errors.Is(err, fs.ErrNotExist) && !cfg.Existing {
		made = true
		if err = os.MkdirAll(cfg.Root, 0o777); err == nil {
			root, err = os.OpenRoot(cfg.Root)
		}
	}
	t := &tree{root: root, path: cfg.Root, real: cfg.Root, owner: owner{-1, -1}, escape: errOutside, log: log}
	if err != nil {
		return nil, t.fail("open", "/", err)
	}
	// The error is not exported; asking for the parent touches no storage.
	if _, err := root.Lstat(".."); err != nil {
		t.escape = bare(err)
	}
	if real, err := filepath.EvalSymlinks(cfg.Root); err == nil {
		t.real = real
	}
	if os.Geteuid() == 0 {
		t.owner = owner{idOrNone(cfg.UID), idOrNone(cfg.GID)}
	}
	if made && !t.owner.none() {
		if err := root.Chown(".", t.owner.uid, t.owner.gid); err != nil {
			t.ownerFailed("/", err)
		}
	}
	return t, nil
}

// errOutside stands for the error of os.Root where that cannot be had.
var errOutside = errors.New("leads outside")

func idOrNone(id int) int {
	if id > 0 {
		return id
	}
	return -1
}

// give sets the owner of what was just made. A failure is logged and the
// file kept: storage without owners (vfat, some network mounts) must work.
func (t *tree) give(f *os.File, name string, o owner) {
	if o.none() {
		return
	}
	if err := f.Chown(o.uid, o.gid); err != nil {
		t.ownerFailed(name, err)
	}
}

func (t *tree) ownerFailed(name string, err error) {
	t.log.Warn("cannot set owner", "sender", sender, "name", name, "error", err)
}

// openDir opens a directory and nothing else. The dot behind the name makes the
// kernel check that it is one before it opens it, so a FIFO cannot block us.
func (t *tree) openDir(rel string) (*os.Root, error) {
	return t.root.OpenRoot(rel + "/.")
}

// relative turns a parsed name into what os.Root takes.
func relative(name string) (string, error) {
	if !strings.HasPrefix(name, "/") {
		return "", vfs.ErrName
	}
	// There a backslash separates and a colon names a drive or a stream, so
	// the name that was authorised would not be the name that is opened.
	if runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
		return "", vfs.ErrName
	}
	if name == "/" {
		return ".", nil
	}
	return name[1:], nil
}

// split cuts rel at its last slash.
func split(rel string) (dir, base string) {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i], rel[i+1:]
	}
	return ".", rel
}
