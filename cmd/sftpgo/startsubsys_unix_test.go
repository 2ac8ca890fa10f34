//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"
)

func TestSubsystemServes(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	p := r.start()
	c := p.client()
	if err := r.put(c, "/a", "hello"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rename("/a", "/b"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(r.home, "b")); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	p.end(0)
	r.wantEvents("upload /a 1 5 SFTP", "rename /a /b 1 0 SFTP")
	log := p.stderr.String()
	for _, want := range []string{
		`"sender":"login","ip":"192.0.2.7","username":"` + r.user + `"`,
		`"sender":"Upload"`, time.Now().Format(`"time":"2006-`),
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log\n%s", want, log)
		}
	}
	for line := range strings.Lines(log) {
		var head struct{ Time time.Time }
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Errorf("not RFC 3339: %v in %s", err, line)
		}
	}
}

func TestSubsystemHomes(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	elsewhere := filepath.Join(r.dir, "elsewhere")
	r.dump(map[string]any{})
	for _, tt := range []struct{ flag, home string }{{"-p=false", r.home}, {"--preserve-home", elsewhere}} {
		p := r.start(tt.flag)
		c := p.client()
		if err := r.put(c, "/x", tt.flag); err != nil {
			t.Fatal(err)
		}
		c.Close()
		p.end(0)
		if got, err := os.ReadFile(filepath.Join(tt.home, "x")); err != nil || string(got) != tt.flag {
			t.Errorf("%s: %q, %v", tt.flag, got, err)
		}
	}
}

func TestSubsystemRules(t *testing.T) {
	t.Parallel()
	t.Run("quota", func(t *testing.T) {
		t.Parallel()
		r := newSubsystemRig(t)
		r.dump(map[string]any{"quota_size": 1000})
		if err := os.MkdirAll(r.home, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.home, "old"), make([]byte, 600), 0o600); err != nil {
			t.Fatal(err)
		}
		p := r.start()
		c := p.client()
		if err := r.put(c, "/new", strings.Repeat("x", 500)); err == nil || !strings.Contains(err.Error(), "quota") {
			t.Errorf("600 and 500 bytes of 1000: %v", err)
		}
		if err := r.put(c, "/small", strings.Repeat("x", 300)); err != nil {
			t.Errorf("600 and 300 bytes of 1000: %v", err)
		}
		c.Close()
		p.end(0)
	})
	for name, record := range map[string]map[string]any{
		"address":  {"filters": map[string]any{"allowed_ip": []string{"198.51.100.0/24"}}},
		"protocol": {"filters": map[string]any{"denied_protocols": []string{"SSH"}}},
		"expired":  {"expiration_date": 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSubsystemRig(t)
			r.dump(record)
			p := r.start()
			p.end(1)
			if !strings.Contains(p.stderr.String(), "login refused") {
				t.Errorf("%s", &p.stderr)
			}
		})
	}
	t.Run("broken record", func(t *testing.T) {
		t.Parallel()
		r := newSubsystemRig(t)
		r.dump(map[string]any{"quota_size": "much"})
		p := r.start()
		p.end(1)
	})
}

func TestSubsystemFlags(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	for flag, want := range map[string]string{
		"--base-home-dir=homes": "not an absolute path",
		"--grace-time=-1s":      "is negative",
		"extra":                 "too much",
	} {
		p := r.start(flag)
		p.end(1)
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%s: %s", flag, &p.stderr)
		}
	}
}

// TestSubsystemEnds: whatever ends it in the middle of an upload, the hook hears
// of the failure before the process has gone.
func TestSubsystemEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end    func(p *subsystemProcess)
		status int
	}{
		"SIGTERM":     {func(p *subsystemProcess) { _ = p.cmd.Process.Signal(syscall.SIGTERM) }, 1},
		"SIGHUP":      {func(p *subsystemProcess) { _ = p.cmd.Process.Signal(syscall.SIGHUP) }, 1},
		"end of file": {func(p *subsystemProcess) { p.in.Close() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSubsystemRig(t)
			p := r.start()
			c := p.client()
			f, err := c.Create("/part")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("some")); err != nil {
				t.Fatal(err)
			}
			tt.end(p)
			p.end(tt.status)
			r.wantEvents("upload /part 0 4 SFTP")
		})
	}
}

// TestSubsystemClientGone: a client that no longer reads must not kill the process
// by a signal.
func TestSubsystemClientGone(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	p := r.start()
	answers, copied := io.Pipe()
	go func() { _, _ = io.Copy(copied, p.out) }() // ends with p.out; the client does not notice
	c, err := sftp.NewClientPipe(answers, p.in)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("/part")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("some")); err != nil {
		t.Fatal(err)
	}
	p.out.Close()
	// STAT of the root: the answer meets a closed pipe.
	if _, err := p.in.Write([]byte{0, 0, 0, 10, 17, 0, 0, 0, 9, 0, 0, 0, 1, '/'}); err != nil {
		t.Fatal(err)
	}
	p.in.Close()
	if err := p.cmd.Wait(); p.cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	r.wantEvents("upload /part 0 4 SFTP")
}

// TestSubsystemKeepsEvents: what a hook does not take stays for the next session,
// also for one that finds the first spool in use, and what a killed process was
// doing is told by the next.
func TestSubsystemKeepsEvents(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	r.hook.close()
	first := r.start("--grace-time", "50ms")
	c1 := first.client()
	second := r.start("--grace-time", "50ms")
	c2 := second.client()
	if err := errors.Join(r.put(c1, "/one", "1"), r.put(c2, "/two", "22")); err != nil {
		t.Fatal(err)
	}
	c1.Close()
	first.end(0)
	c2.Close()
	second.end(0)
	if diff := cmp.Diff([]string{"events-0.db", "events-1.db"}, r.spools()); diff != "" {
		t.Fatal(diff)
	}
	if !strings.Contains(second.stderr.String(), "events stay in the spool") {
		t.Errorf("the log does not tell\n%s", &second.stderr)
	}

	killed := r.start()
	f, err := killed.client().Create("/three")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("333")); err != nil {
		t.Fatal(err)
	}
	_ = killed.cmd.Process.Kill()
	_ = killed.cmd.Wait()

	if err := r.hook.listen(); err != nil {
		t.Fatal(err)
	}
	last := r.start("--grace-time", "20s")
	last.client().Close()
	last.end(0)
	r.wantEvents("upload /one 1 1 SFTP", "upload /three 0 3 SFTP", "upload /two 1 2 SFTP")
	if diff := cmp.Diff([]string{"events-0.db"}, r.spools()); diff != "" {
		t.Error(diff)
	}
}

func TestSubsystemSpoolIsPrivate(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	dir := filepath.Join(r.dir, "conf", "subsystem")
	p := r.start()
	p.client().Close()
	p.end(0)
	for name, want := range map[string]os.FileMode{dir: 0o733 | os.ModeSticky | os.ModeDir, filepath.Join(dir, r.user): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if err := os.Chmod(filepath.Join(dir, r.user), 0o777); err != nil {
		t.Fatal(err)
	}
	p = r.start()
	p.end(1)
	if !strings.Contains(p.stderr.String(), "only "+r.user+" can use") {
		t.Errorf("%s", &p.stderr)
	}
}
