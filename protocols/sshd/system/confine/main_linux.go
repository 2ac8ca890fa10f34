//go:build linux && (amd64 || arm64 || riscv64)

package confine

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Attributes are those of the process that calls Main: a process group and
// namespaces of its own. A server that is not root needs a user namespace for
// that.
func Attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Setpgid:    true,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
	}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	}
	return a
}

// Main becomes the program, or tells why not and returns the exit status. The
// process must have been started for it: nothing of it can be taken back.
func Main() int {
	runtime.LockOSThread() // what follows is of this thread, and so will be the program
	status := os.NewFile(statusFile, "status")
	err := become()
	fmt.Fprint(status, err)
	return 1
}

func become() error {
	var s Spec
	file := os.NewFile(specFile, "spec")
	if err := json.NewDecoder(file).Decode(&s); err != nil {
		return fmt.Errorf("read what to become: %w", err)
	}
	file.Close()
	unix.CloseOnExec(statusFile)
	// The server may be gone before it can end us.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
		return fmt.Errorf("set parent death signal: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func(*Spec) error
	}{
		{"build the root", buildRoot},
		{"limit resources", limitResources},
		{"drop privileges", dropPrivileges},
		{"landlock", restrictFiles},
		{"seccomp", restrictCalls},
	} {
		if err := step.do(&s); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if s.Program == "" {
		os.Exit(0)
	}
	if err := os.Chdir(Root); err != nil {
		return err
	}
	if err := syscall.Exec(s.Program, s.Args, s.Env); err != nil {
		return fmt.Errorf("run %s: %w", s.Program, err)
	}
	return nil // not reached
}

func limitResources(s *Spec) error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 1024}
	if s.MaxFile > 0 {
		limits[unix.RLIMIT_FSIZE] = uint64(s.MaxFile)
	}
	for resource, most := range limits {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			return err
		}
		most = min(most, now.Max)
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// kept are the rights of root on files, which the session has too.
const kept = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH |
	1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID

// dropPrivileges changes to the user and lets exec give no other right than those
// in kept to root, and none to others.
func dropPrivileges(s *Spec) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
			if kept&(1<<c) != 0 {
				continue
			}
			// EINVAL: an older kernel does not have this one.
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL {
				return err
			}
		}
		if err := becomeUser(s.UID, s.GID); err != nil {
			return err
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// becomeUser clears the parent death signal, so it is set again.
func becomeUser(uid, gid int) error {
	if uid <= 0 && gid <= 0 {
		return nil
	}
	groups := []int{}
	if gid > 0 {
		groups = append(groups, gid)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if gid > 0 {
		if err := syscall.Setresgid(gid, gid, gid); err != nil {
			return err
		}
	}
	if uid > 0 {
		if err := syscall.Setresuid(uid, uid, uid); err != nil {
			return err
		}
	}
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
}

// within reports whether the clean path name is dir or below it.
func within(dir, name string) bool {
	return dir == "/" || name == dir || strings.HasPrefix(name, dir+"/")
}
