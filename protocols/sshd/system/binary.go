package system

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sftpgo/protocols/sshd/system/confine"
)

// binary is a program of this host.
type binary struct {
	path     string // absolute, without links
	execPath string // git's own programs; empty for others
	execute  []string
}

// findBinary looks a program up in the PATH of the server.
func findBinary(command string) (b binary, err error) {
	name := "git"
	if command == rsync {
		name = "rsync"
	}
	if b.path, err = resolved(exec.LookPath(name)); err != nil || name != "git" {
		return b, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, b.path, "--exec-path").Output()
	if err != nil {
		return b, fmt.Errorf("%s --exec-path: %w", b.path, err)
	}
	b.execPath = strings.TrimSpace(string(out))
	// Git's server side is in one program, that calls itself by this name.
	self, err := resolved(filepath.Join(b.execPath, "git"), nil)
	b.execute = []string{self}
	return b, err
}

func resolved(path string, err error) (string, error) {
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	return path, err
}

// environment returns all variables that the program gets. Nothing of the
// server's own is in it. user is who pushes.
func (b binary) environment(user string) []string {
	env := []string{"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "HOME=/nonexistent", "USER=" + user, "LOGNAME=" + user}
	if b.execPath == "" {
		return append(env, "PATH="+filepath.Dir(b.path))
	}
	env = append(env,
		"GIT_EXEC_PATH="+b.execPath, "PATH="+b.execPath+":"+filepath.Dir(b.path),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0",
		"GIT_CEILING_DIRECTORIES="+confine.Root,
		"GIT_COMMITTER_NAME="+user, "GIT_COMMITTER_EMAIL="+user+"@localhost",
	)
	settings := gitSettings()
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, value))
	}
	return env
}

// gitSettings win over what a repository says. Clients can write its
// configuration, so nothing in it may run a program; the kernel would not let it,
// this makes that a quiet matter. Who repositories belong to on the host is the
// server's business. Threads and memory are bounded for the sake of other clients.
func gitSettings() []string {
	return []string{
		"safe.directory=*", "core.hooksPath=/dev/null", "core.fsmonitor=false",
		// It is asked on each push, and refuses: it knows no reference of the name that
		// it gets. What cannot be run would say so to the client.
		"core.alternateRefsCommand=git-show-ref",
		"receive.autogc=false", "gc.auto=0", "maintenance.auto=false", "protocol.allow=never",
		"pack.threads=2", "pack.windowMemory=64m",
	}
}
