//go:build linux && (amd64 || arm64 || riscv64)

package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// system is what programs need of the host, read-only. What does not exist is
// left out, links stay links.
func system() []string {
	return []string{"/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/dev/null", "/dev/urandom"}
}

// bind is something of the host that gets a place in the new root.
type bind struct {
	at   string // in the new root
	fd   int    // opened before anything is hidden
	file bool   // not a directory
	link string // what it says, if it is a link
	attr uint64 // of the mount
}

// buildRoot leaves the process in a root that has the system and the trees only.
func buildRoot(s *Spec) error {
	// What is mounted here stays here.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	binds, err := sources(s)
	if err != nil {
		return err
	}
	base, err := mountBase()
	if err != nil {
		return err
	}
	for _, b := range binds {
		if err := b.mount(base); err != nil {
			return fmt.Errorf("%s: %w", b.at, err)
		}
	}
	if err := enter(base); err != nil {
		return err
	}
	for _, b := range binds {
		if b.link == "" {
			_ = unix.Close(b.fd)
		}
	}
	return nil
}

// sources opens all that the new root will have.
func sources(s *Spec) ([]bind, error) {
	var list []bind
	paths := system()
	for _, program := range append([]string{s.Program}, s.Execute...) {
		inside := func(dir string) bool { return within(dir, program) }
		if program != "" && !slices.ContainsFunc(paths, inside) {
			paths = append(paths, program)
		}
	}
	for _, path := range paths {
		b, err := systemSource(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	for i, t := range s.Trees {
		b, err := treeSource(t, firstTree+i)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func systemSource(path string) (bind, error) {
	b := bind{at: path, attr: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	info, err := os.Lstat(path)
	if err != nil {
		return b, err
	}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		b.link, err = os.Readlink(path)
		return b, err
	case info.Mode().Type()&fs.ModeDevice != 0:
		b.attr = 0 // it is there to be used
		b.file = true
	case !info.IsDir():
		b.file = true
	}
	b.fd, err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	return b, err
}

// treeSource opens a tree again, since what was opened in another mount namespace
// cannot be mounted here.
func treeSource(t Tree, given int) (bind, error) {
	b := bind{at: filepath.Join(Root, t.Name), attr: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC}
	if !t.Write {
		b.attr |= unix.MOUNT_ATTR_RDONLY
	}
	fd, err := unix.Open(t.Host, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return b, fmt.Errorf("tree %s: %w", t.Name, err)
	}
	var want, got unix.Stat_t
	if err := errors.Join(unix.Fstat(given, &want), unix.Fstat(fd, &got)); err != nil {
		return b, fmt.Errorf("tree %s: %w", t.Name, err)
	}
	if want.Dev != got.Dev || want.Ino != got.Ino {
		return b, fmt.Errorf("tree %s: the directory was moved", t.Name)
	}
	b.fd = fd
	return b, unix.Close(given)
}

// mountBase mounts the new root over a directory that every system has.
func mountBase() (string, error) {
	var err error
	for _, base := range []string{"/tmp", "/mnt", "/var", "/usr"} {
		if err = unix.Mount("tmpfs", base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=1m,nr_inodes=4096"); err == nil {
			return base, os.Mkdir(filepath.Join(base, Root), 0o755)
		}
	}
	return "", fmt.Errorf("mount: %w", err)
}

func (b *bind) mount(base string) error {
	at := filepath.Join(base, b.at)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	switch {
	case b.link != "":
		return os.Symlink(b.link, at)
	case b.file:
		f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		f.Close()
	default:
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
	}
	from := fmt.Sprintf("/proc/self/fd/%d", b.fd)
	// Recursive: what is mounted below is a part of it, and an unprivileged user may
	// not uncover what it hides.
	if err := unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if b.attr == 0 {
		return nil
	}
	return unix.MountSetattr(unix.AT_FDCWD, at, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: b.attr})
}

// enter makes base the root and lets go of the old one.
func enter(base string) error {
	if err := os.Chdir(base); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// Only the trees may change, not what holds them.
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// libraries are the directories of system that hold libraries.
func libraries() []string {
	list := []string{"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib"}
	for _, dir := range system() {
		if strings.HasPrefix(dir, "/lib") {
			list = append(list, dir)
		}
	}
	return list
}
