//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"
)

// subsystemRig is a configuration with an HTTP hook, and a directory of homes.
type subsystemRig struct {
	t     *testing.T
	dir   string
	user  string // of this process
	home  string
	hook  *receiver
	flags []string
}

func newSubsystemRig(t *testing.T) *subsystemRig {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := &subsystemRig{t: t, dir: dir, user: u.Username, home: filepath.Join(dir, "homes", u.Username)}
	r.flags = []string{"-c", filepath.Join(dir, "conf"), "-d", filepath.Join(dir, "homes")}
	for _, d := range []string{"conf", "homes"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.hook = &receiver{addr: "127.0.0.1:0", path: filepath.Join(dir, "events.jsonl")}
	if err := r.hook.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.hook.close)
	r.configure(map[string]any{})
	return r
}

// configure writes the configuration file; users is the section data_provider.
func (r *subsystemRig) configure(provider map[string]any) {
	r.t.Helper()
	r.writeJSON("conf/sftpgo.json", map[string]any{
		"common": map[string]any{"actions": map[string]any{
			"execute_on": []string{"upload", "download", "delete", "rename"}, "hook": "http://" + r.hook.addr + "/e",
		}},
		"http":          map[string]any{"retry_max": 0},
		"data_provider": provider,
	})
}

func (r *subsystemRig) writeJSON(name string, v any) {
	r.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), text, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// dump makes the memory driver know the user of this process.
func (r *subsystemRig) dump(record map[string]any) {
	r.t.Helper()
	record["username"], record["password"], record["status"] = r.user, "x", 1
	if record["permissions"] == nil {
		record["permissions"] = map[string][]string{"/": {"*"}}
	}
	if record["home_dir"] == nil {
		record["home_dir"] = filepath.Join(r.dir, "elsewhere")
	}
	r.writeJSON("conf/users.json", map[string]any{"users": []any{record}})
	r.configure(map[string]any{"driver": "memory", "name": "users.json"})
}

// subsystemProcess is one run of the program, with pipes as sshd gives them.
type subsystemProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr bytes.Buffer
}

func (r *subsystemRig) start(flags ...string) *subsystemProcess {
	r.t.Helper()
	p := &subsystemProcess{t: r.t}
	p.cmd = exec.Command("sftpgo", append(append([]string{"startsubsys"}, r.flags...), flags...)...)
	p.cmd.Env = append(os.Environ(), "SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22")
	p.cmd.Stderr = &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it has ended, if all went well
	return p
}

func (p *subsystemProcess) client() *sftp.Client {
	p.t.Helper()
	c, err := sftp.NewClientPipe(p.out, p.in)
	if err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.t.Fatalf("%v\n%s", err, &p.stderr)
	}
	return c
}

// end waits for the exit status.
func (p *subsystemProcess) end(want int) {
	p.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("exit status %d, want %d\n%s", got, want, &p.stderr)
	}
}

func (r *subsystemRig) put(c *sftp.Client, name, content string) error {
	f, err := c.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(content))
	return errors.Join(err, f.Close())
}

// wantEvents compares what the hook got, in any order, for only events of one
// file have one; paths are relative to the home.
func (r *subsystemRig) wantEvents(want ...string) {
	r.t.Helper()
	var got []string
	for range 500 {
		got = r.events()
		if len(got) >= len(want) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Fatalf("events (-want +got)\n%s", diff)
	}
}

func (r *subsystemRig) events() []string {
	text, err := os.ReadFile(r.hook.path)
	if err != nil {
		return nil
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		var e received
		if json.Unmarshal([]byte(line), &e) == nil {
			_, s := summary(e, r.home)
			list = append(list, s)
		}
	}
	return list
}

// spools names the databases with events that lie about.
func (r *subsystemRig) spools() []string {
	r.t.Helper()
	list, err := filepath.Glob(filepath.Join(r.dir, "conf", "subsystem", r.user, "*.db"))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.Base(list[i])
	}
	return list
}
