package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programActor does what a user does with a program: OpenSSH's sftp and scp, or
// curl. What no program can be made to do at a given byte, the embedded actor does.
type programActor struct {
	actor
	protocol string
	user     string
	server   *realServer
	key      string // of the user, for OpenSSH
	dir      string // files on the side of the client
}

// contractClients are the programs that TestContract runs.
func contractClients() []string { return []string{"sftp", "scp", "ssh", "curl"} }

// needPrograms skips a test for which a program is missing; in CI that is a failure.
func needPrograms(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("client %s is missing; run .ci/clients", name)
		}
		t.Skip(name + " is not installed")
	}
}

func (c *programActor) local(content []byte) (string, error) {
	name := filepath.Join(c.dir, "content")
	return name, os.WriteFile(name, content, 0o600)
}

// run runs a program. That it fails is the refusal.
func (c *programActor) run(input, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &refusedError{exit.ExitCode(), fmt.Sprintf("%s: %v: %s", name, err, out)}
	}
	return err
}

// openSSH are the options of all its programs; port is the name of that option.
func (c *programActor) openSSH(port string) []string {
	_, number, _ := strings.Cut(c.server.sftp, ":")
	return []string{
		port, number, "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
		"-oIdentitiesOnly=yes", "-oIdentityFile=" + c.key, "-oIdentityAgent=none",
	}
}

// sftp runs one line.
func (c *programActor) sftp(format string, args ...any) error {
	return c.run(fmt.Sprintf(format, args...)+"\n", "sftp", append(c.openSSH("-P"), "-b", "-", c.user+"@127.0.0.1")...)
}

func (c *programActor) scp(args ...string) error {
	return c.run("", "scp", append(append(c.openSSH("-P"), "-O", "-q"), args...)...)
}

func (c *programActor) ssh(command string) error {
	return c.run("", "ssh", append(c.openSSH("-p"), c.user+"@127.0.0.1", command)...)
}

func (c *programActor) curl(address string, args ...string) error {
	return c.run("", "curl", append([]string{"-sS", "--fail", "-u", c.user + ":" + secretOfAll, address}, args...)...)
}

func (c *programActor) ftpURL(name string) string { return "ftp://" + c.server.ftp + name }
func (c *programActor) davURL(name string) string { return "http://" + c.server.dav + name }

func (c *programActor) put(name string, content []byte) error {
	file, err := c.local(content)
	if err != nil {
		return err
	}
	switch c.protocol {
	case viaSFTP:
		return c.sftp("put %q %q", file, name)
	case viaSCP:
		return c.scp(file, c.user+"@127.0.0.1:"+name)
	case viaFTP:
		return c.curl(c.ftpURL(name), "-T", file)
	}
	return c.curl(c.davURL(name), "-T", file)
}

func (c *programActor) resume(name string, content []byte) error {
	if c.protocol != viaSFTP && c.protocol != viaFTP {
		return errNoVerb
	}
	file, err := c.local(content)
	if err != nil {
		return err
	}
	if c.protocol == viaFTP {
		return c.curl(c.ftpURL(name), "-C", "-", "-T", file)
	}
	return c.sftp("reput %q %q", file, name)
}

func (c *programActor) get(name string) ([]byte, error) {
	file := filepath.Join(c.dir, "got")
	var err error
	switch c.protocol {
	case viaSFTP:
		err = c.sftp("get %q %q", name, file)
	case viaSCP:
		err = c.scp(c.user+"@127.0.0.1:"+name, file)
	case viaFTP:
		err = c.curl(c.ftpURL(name), "-o", file)
	default:
		err = c.curl(c.davURL(name), "-o", file)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

func (c *programActor) remove(name string) error {
	switch c.protocol {
	case viaSFTP:
		return c.sftp("rm %q", name)
	case viaFTP:
		return c.curl(c.ftpURL("/"), "-o", os.DevNull, "-Q", "DELE "+name)
	case viaDAV:
		return c.curl(c.davURL(name), "-X", "DELETE")
	}
	return errNoVerb
}

func (c *programActor) rename(oldname, newname string) error {
	switch c.protocol {
	case viaSFTP:
		return c.sftp("rename %q %q", oldname, newname)
	case viaFTP:
		return c.curl(c.ftpURL("/"), "-o", os.DevNull, "-Q", "RNFR "+oldname, "-Q", "RNTO "+newname)
	case viaDAV:
		return c.curl(c.davURL(oldname), "-X", "MOVE", "-H", "Destination: "+c.davURL(newname))
	}
	return errNoVerb
}
