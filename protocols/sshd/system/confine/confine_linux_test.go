package confine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sftpgo/protocols/sshd/system/confine"
)

// The test program plays all parts: the helper, and the program that it becomes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "confine":
			os.Exit(confine.Main())
		case "attack":
			attack(os.Args[2:])
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// attack tries what a program must not be able to do, and tells on stdout what
// came of each.
func attack(args []string) {
	outside, port, server := args[0], args[1], args[2]
	pid, _ := strconv.Atoi(server)
	open := func(name string, flags int, mode uint32) error {
		fd, err := unix.Open(name, flags, mode)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	for _, try := range []struct {
		name string
		do   func() error
	}{
		{"read below", func() error { return open("rw/file", unix.O_RDONLY, 0) }},
		{"write below", func() error { return open("rw/new", unix.O_WRONLY|unix.O_CREAT, 0o644) }},
		{"truncate below", func() error { return unix.Truncate("rw/file", 0) }},
		{"move below", func() error { return unix.Rename("rw/new", "rw/dir/new") }},
		{"link below", func() error { return unix.Symlink("/etc/passwd", "rw/symlink") }},
		{"chmod below", func() error { return unix.Chmod("rw/file", 0o600) }},
		{"read only: read", func() error { return open("ro/file", unix.O_RDONLY, 0) }},

		{"run what lies below", func() error { return syscall.Exec("rw/evil", []string{"evil"}, nil) }},
		{"run a shell", func() error { return syscall.Exec("/bin/sh", []string{"sh"}, nil) }},
		{"run by the loader", func() error {
			return exec.Command("/lib64/ld-linux-x86-64.so.2", "/files/rw/true").Run()
		}},
		{"read only: write", func() error { return open("ro/file", unix.O_WRONLY, 0) }},
		{"read only: create", func() error { return open("ro/new", unix.O_WRONLY|unix.O_CREAT, 0o644) }},
		{"read only: truncate", func() error { return unix.Truncate("ro/file", 0) }},
		{"read only: chmod", func() error { return unix.Chmod("ro/file", 0o777) }},
		{"read only: remove", func() error { return unix.Unlink("ro/file") }},
		{"beside the trees", func() error { return open("new", unix.O_WRONLY|unix.O_CREAT, 0o644) }},
		{"below the root", func() error { return unix.Mkdir("/new", 0o755) }},
		{"passwd", func() error { return open("/etc/passwd", unix.O_RDONLY, 0) }},
		{"passwd by a link", func() error { return open("rw/tofile", unix.O_RDONLY, 0) }},
		{"outside", func() error { return open(outside, unix.O_RDONLY, 0) }},
		{"outside: see", func() error { var st unix.Stat_t; return unix.Stat(outside, &st) }},
		{"outside: see by a link", func() error { var st unix.Stat_t; return unix.Stat("rw/tooutside/secret", &st) }},
		{"outside: chmod by a link", func() error { return unix.Chmod("rw/tooutside/secret", 0o777) }},
		{"outside: times by a link", func() error { return unix.Utimes("rw/tooutside/secret", []unix.Timeval{{Sec: 1}, {Sec: 1}}) }},
		{"outside: dot dot", func() error { return open("rw/../../../.."+outside, unix.O_RDONLY, 0) }},
		{"processes", func() error { return open("/proc/self/status", unix.O_RDONLY, 0) }},
		{"the program itself: change", func() error { return unix.Chmod(os.Args[0], 0o777) }},
		{"system: write", func() error { return open("/usr/lib/evil", unix.O_WRONLY|unix.O_CREAT, 0o644) }},
		{"system: chmod", func() error { return unix.Chmod("/usr/bin/env", 0o777) }},
		{"system: read what is no library", func() error { return open("/usr/bin/env", unix.O_RDONLY, 0) }},
		{"setuid", func() error { return unix.Chmod("rw/file", 0o4755) }},
		{"setgid", func() error { return unix.Fchmodat(unix.AT_FDCWD, "rw/file", 0o2755, 0) }},
		{"setuid from the start", func() error { return open("rw/set", unix.O_WRONLY|unix.O_CREAT, 0o4755) }},
		{"device", func() error { return unix.Mknod("rw/dev", unix.S_IFBLK|0o666, 8<<8) }},
		{"fifo", func() error { return unix.Mkfifo("rw/fifo", 0o666) }},
		{"socket file", func() error { l, err := net.Listen("unix", "rw/sock"); return closed(l, err) }},
		{"connect", func() error { c, err := net.Dial("tcp", "127.0.0.1:"+port); return closed(c, err) }},
		{"listen", func() error { l, err := net.Listen("tcp", "127.0.0.1:0"); return closed(l, err) }},
		{"mount", func() error { return unix.Mount("tmpfs", "/files/rw", "tmpfs", 0, "") }},
		{"remount", func() error { return unix.Mount("", "/files/ro", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
		{"chroot", func() error { return unix.Chroot("rw") }},
		{"new namespace", func() error { return unix.Unshare(unix.CLONE_NEWUTS) }},
		{"new user namespace by a child", func() error {
			cmd := exec.Command(os.Args[0])
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
			return cmd.Start()
		}},
		{"become root", func() error { return becomeRoot() }},
		{"end the server", func() error { return unix.Kill(pid, 0) }},
		{"trace", func() error { return unix.PtraceAttach(pid) }},
		{"a large file", func() error { return large() }},
	} {
		err := try.do()
		var errno syscall.Errno
		switch {
		case err == nil:
			fmt.Printf("%s: done\n", try.name)
		case errors.As(err, &errno):
			fmt.Printf("%s: %s\n", try.name, unix.ErrnoName(errno))
		default:
			fmt.Printf("%s: %v\n", try.name, err)
		}
	}
	fmt.Println("environment:", os.Environ())
}

func closed(c io.Closer, err error) error {
	if err == nil {
		c.Close()
	}
	return err
}

// becomeRoot tells whether a capability beyond those on files is left.
func becomeRoot() error {
	if unix.Geteuid() != 0 {
		return unix.Setuid(0)
	}
	for _, c := range []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_MKNOD, unix.CAP_SYS_PTRACE, unix.CAP_NET_ADMIN, unix.CAP_SETFCAP, unix.CAP_KILL} {
		if r, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); err != nil || r != 0 {
			return err
		}
	}
	return unix.EPERM
}

func large() error {
	f, err := os.OpenFile("rw/large", os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte("x"), 1<<20)
	return err
}

// wanted are the answers that show that it cannot be done.
func wanted(name string) []string {
	switch {
	case strings.HasSuffix(name, " below") && !strings.HasPrefix(name, "run"), name == "read only: read":
		return []string{"done"}
	case name == "environment":
		return []string{"[ONLY=this]"}
	case name == "run by the loader":
		return []string{"exit status 127", "EACCES", "ENOENT"} // noexec; a static program has no right to the loader
	case name == "become root":
		return []string{"EPERM", "EINVAL"} // there is none in the namespace of a server that is not root
	case name == "a large file":
		return []string{"EFBIG"}
	case name == "connect":
		return []string{"EPERM"}
	}
	return []string{"EACCES", "EPERM", "EROFS", "ENOENT", "ESRCH", "ENOTDIR", "ELOOP"}
}

// confined runs the test program, or another, with its trees.
func confined(t *testing.T, s confine.Spec, dirs ...string) (string, error) {
	t.Helper()
	specOut, specIn := pipe(t)
	statusOut, statusIn := pipe(t)
	var trees []*os.File
	for _, d := range dirs {
		f, err := os.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		trees = append(trees, f)
	}
	cmd := exec.Command(self(t), "confine")
	cmd.ExtraFiles = confine.Files(specOut, statusIn, trees)
	cmd.SysProcAttr = confine.Attributes()
	cmd.Env = []string{"SECRET=of the server"}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		if errors.Is(err, os.ErrPermission) && os.Getenv("CI") != "true" {
			t.Skip("namespaces are not allowed here")
		}
		t.Fatal(err)
	}
	statusIn.Close()
	if err := json.NewEncoder(specIn).Encode(s); err != nil {
		t.Fatal(err)
	}
	specIn.Close()
	status, err := io.ReadAll(statusOut)
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if len(status) > 0 {
		err = errors.New(string(status))
	}
	return out.String(), err
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func needKernel(t *testing.T) {
	t.Helper()
	if err := confine.Check(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// home has the trees rw and ro, and a secret beside them.
func home(t *testing.T) (dir, secret string) {
	t.Helper()
	top := t.TempDir()
	// A program with another uid must find its way.
	for d := top; d != "/" && strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir = filepath.Join(top, "home")
	secret = filepath.Join(top, "outside", "secret")
	for _, d := range []string{"home/rw/dir", "home/ro", "outside"} {
		if err := os.MkdirAll(filepath.Join(top, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"home/rw/file", "home/ro/file", "outside/secret"} {
		if err := os.WriteFile(filepath.Join(top, f), []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "rw/evil"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rw/true"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"rw/tofile": "/etc/passwd", "rw/tooutside": filepath.Dir(secret)} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, secret
}

func TestNothingOutside(t *testing.T) {
	needKernel(t)
	for _, tt := range []struct {
		name     string
		uid, gid int
	}{{"as the server", 0, 0}, {"as a user", 12345, 12346}} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.uid > 0 && os.Geteuid() != 0 {
				t.Skip("only root can change the user")
			}
			dir, secret := home(t)
			rw, ro := filepath.Join(dir, "rw"), filepath.Join(dir, "ro")
			if tt.uid > 0 {
				for _, f := range []string{rw, filepath.Join(rw, "dir"), filepath.Join(rw, "file"), ro, filepath.Join(ro, "file")} {
					if err := os.Chown(f, tt.uid, tt.gid); err != nil {
						t.Fatal(err)
					}
				}
			}
			before, err := os.Stat(secret)
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			_, port, err := net.SplitHostPort(l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			out, err := confined(t, confine.Spec{
				Program: self(t), Args: []string{self(t), "attack", secret, port, strconv.Itoa(os.Getpid())},
				Env: []string{"ONLY=this"}, UID: tt.uid, GID: tt.gid, MaxFile: 1 << 20,
				Trees: []confine.Tree{{Host: rw, Name: "/rw", Write: true}, {Host: ro, Name: "/ro"}},
			}, rw, ro)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if len(lines) < 40 {
				t.Errorf("only %d tries:\n%s", len(lines), out)
			}
			for _, line := range lines {
				i := strings.LastIndex(line, ": ")
				name, got := line[:i], line[i+2:]
				ok := false
				for _, w := range wanted(name) {
					ok = ok || got == w
				}
				if !ok {
					t.Errorf("%s: %s", name, got)
				}
			}
			after, err := os.Stat(secret)
			if err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("the secret has changed: %v", err)
			}
		})
	}
}

// A directory that was replaced between the server's look and the mount is not
// mounted.
func TestMovedTree(t *testing.T) {
	needKernel(t)
	dir, secret := home(t)
	_, err := confined(t, confine.Spec{
		Program: self(t), Args: []string{"x"}, Trees: []confine.Tree{{Host: filepath.Dir(secret), Name: "/rw"}},
	}, filepath.Join(dir, "rw"))
	if err == nil || !strings.Contains(err.Error(), "moved") {
		t.Errorf("%v", err)
	}
}

// Without a program it only tries.
func TestTry(t *testing.T) {
	needKernel(t)
	if out, err := confined(t, confine.Spec{}); err != nil || out != "" {
		t.Errorf("%v %q", err, out)
	}
	if _, err := confined(t, confine.Spec{Program: "/usr/bin/no such program", Args: []string{"x"}}); err == nil {
		t.Error("no error")
	}
}
