//go:build linux && (amd64 || arm64 || riscv64)

package confine

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// minABI is Landlock of Linux 5.19: before it, no file could be moved to another
// directory, as git and rsync do.
const minABI = 2

// The rights of Landlock.
const (
	readRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// writeRights has neither devices, fifos and sockets nor the right to run.
	writeRights = readRights | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
	// fileRights are those that a rule for a file may have.
	fileRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// landlockABI returns the version of Landlock in the kernel; 0 is none.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// Check returns an error that wraps ErrUnsupported when the kernel has no
// Landlock, or an old one.
func Check() error {
	switch abi := landlockABI(); {
	case abi == 0:
		return fmt.Errorf("%w: the kernel has no Landlock, or it is switched off", ErrUnsupported)
	case abi < minABI:
		return fmt.Errorf("%w: the Landlock of the kernel is too old, Linux 5.19 has what is needed", ErrUnsupported)
	}
	return nil
}

// handled are all rights that the kernel knows: what no rule grants is denied.
func handled(abi int) unix.LandlockRulesetAttr {
	a := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_REFER<<1 - 1}
	if abi >= 3 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return a
}

// restrictFiles lets the thread, and what it becomes, use the files of s only.
func restrictFiles(s *Spec) error {
	abi := landlockABI()
	if abi < minABI {
		return Check()
	}
	attr := handled(abi)
	// Older kernels know the first fields only, and refuse none that are zero.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("create: %w", errno)
	}
	r := ruleset{int(fd), attr.Handled_access_fs}
	defer unix.Close(r.fd)
	if err := r.allowSpec(s); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("restrict: %w", errno)
	}
	return nil
}

type ruleset struct {
	fd      int
	handled uint64
}

func (r ruleset) allowSpec(s *Spec) error {
	for _, dir := range append(libraries(), "/etc/ld.so.cache", "/dev/urandom") {
		if err := r.allow(dir, readRights); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	const null = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	if err := r.allow("/dev/null", null); err != nil {
		return err
	}
	for _, program := range append([]string{s.Program}, s.Execute...) {
		if program == "" {
			continue
		}
		if err := r.allowProgram(program); err != nil {
			return err
		}
	}
	for _, t := range s.Trees {
		rights := uint64(readRights)
		if t.Write {
			rights = writeRights
		}
		if err := r.allow(filepath.Join(Root, t.Name), rights); err != nil {
			return err
		}
	}
	return nil
}

// allowProgram lets a program and its loader run.
func (r ruleset) allowProgram(file string) error {
	const run = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	if err := r.allow(file, run); err != nil {
		return err
	}
	loader, err := loaderOf(file)
	if err != nil || loader == "" {
		return err
	}
	return r.allow(loader, run)
}

// loaderOf returns the dynamic loader of a program; a static one has none.
func loaderOf(file string) (string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		return strings.TrimRight(string(name), "\x00"), err
	}
	return "", nil
}

// allow grants rights to a file, or to a directory and what is below.
func (r ruleset) allow(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.handled, Parent_fd: int32(fd)}
	// The kernel's structure is packed: 12 bytes, which is what it reads.
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("%s: %w", path, errno)
	}
	return nil
}
