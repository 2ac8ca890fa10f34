package sshd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/actions"
)

// run executes a command whose standard input is in, and returns what came back
// and the exit status.
func (r *rig) run(command, in string) (stdout, stderr string, code int) {
	r.t.Helper()
	s, err := r.dial().NewSession()
	must(r.t, err)
	defer s.Close()
	var out, errOut bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(in), &out, &errOut
	err = s.Run(command)
	exit, ok := err.(*ssh.ExitError)
	if err != nil && !ok {
		r.t.Fatalf("%s: no exit status: %v", command, err)
	}
	if ok {
		code = exit.ExitStatus()
	}
	return out.String(), errOut.String(), code
}

func TestSCPSinkBytes(t *testing.T) {
	const ok = "\x00"
	tests := []struct {
		name, command, in, out string
		code                   int
	}{
		{"file", "scp -t /f", "C0644 3 x\nabc\x00", ok + ok + ok, 0},
		{"into directory", "scp -t /dir", "C0644 3 x\nabc\x00", ok + ok + ok, 0},
		{"into directory, slash", "scp -t /dir/", "C0644 3 x\nabc\x00", ok + ok + ok, 0},
		{"empty file", "scp -t /", "C0644 0 x\n\x00", ok + ok + ok, 0},
		{"two files", "scp -d -t /dir", "C0644 1 x\na\x00C0644 1 y\nb\x00", ok + ok + ok + ok + ok, 0},
		{"tree", "scp -r -p -t -- /dir", "T1 0 2 0\nD0755 0 d\nC0644 1 x\na\x00E\n", ok + ok + ok + ok + ok + ok, 0},
		{"combined options", "scp -rpt /dir", "D0755 0 d\nE\n", ok + ok + ok, 0},
		{"tree into missing directory", "scp -r -t /nope", "D0755 0 d\nC0644 1 x\na\x00E\n", ok + ok + ok + ok + ok, 0},
		{"tree into missing directory, slash", "scp -r -t /nope/", "D0755 0 d\nC0644 1 x\na\x00E\n", ok + ok + ok + ok + ok, 0},
		{"file into missing directory, slash", "scp -t /nope/", "C0644 1 x\n", ok + "\x01scp: /nope/x: no such file or directory\n", 1},
		{"file over directory", "scp -r -t /", "C0644 1 dir\n", ok + "\x01scp: /dir: is a directory\n", 1},
		{"all options", "scp -v -q -r -p -d -t -- /dir", "C0644 1 -x\na\x00", ok + ok + ok, 0},
		{"name like an option", "scp -t -- -x", "C0644 1 x\na\x00", ok + ok + ok, 0},
		{"long name", "scp -t /dir", "C0644 1 " + strings.Repeat("x", 300) + "\n", ok + "\x01scp: /dir/" + strings.Repeat("x", 300) + ": name not allowed\n", 1},
		{"control characters in a name", "scp -t /dir/old", "C0644 1 a\x1b[2J\na\x00", ok + ok + ok, 0},
		{"quoted", `scp -t '/a b'\ c`, "C0644 1 x\na\x00", ok + ok + ok, 0},
		{"tilde", `scp -t ~/f`, "C0644 1 x\na\x00", ok + ok + ok, 0},
		{"missing directory", "scp -t /nope/f", "C0644 1 x\n", ok + "\x01scp: /nope/f: no such file or directory\n", 1},
		{"directory without -r", "scp -t /dir", "D0755 0 d\n", ok + "\x02scp: protocol error: received directory without -r\n", 1},
		{"directory over file", "scp -r -t /dir", "D0755 0 old\n", ok + "\x01scp: /dir/old: not a directory\n", 1},
		{"target is no directory", "scp -d -t /dir/old", "", "\x01scp: /dir/old: not a directory\n", 1},
		{"climbing name", "scp -t /dir", "C0644 1 ../x\na\x00", ok + "\x02scp: protocol error: unexpected filename\n", 1},
		{"negative size", "scp -t /dir", "C0644 -1 x\n", ok + "\x02scp: protocol error: bad size: not a number\n", 1},
		{"overflowing size", "scp -t /dir", "C0644 9223372036854775808 x\n", ok + "\x02scp: protocol error: bad size: out of range\n", 1},
		{"unexpected E", "scp -r -t /dir", "E\n", ok + "\x02scp: protocol error: unexpected E\n", 1},
		{"rubbish", "scp -t /dir", "GET / HTTP/1.0\n", ok + "\x02scp: protocol error: unexpected line\n", 1},
		{"endless line", "scp -t /dir", strings.Repeat("C", 9000), ok + "\x02scp: protocol error: line too long\n", 1},
		{"warning of the client", "scp -t /dir", "\x01scp: f: gone\nC0644 1 x\na\x00", ok + ok + ok, 1},
		{"fatal of the client", "scp -t /dir", "\x02no\n", ok, 1},
		{"short file", "scp -t /dir", "C0644 5 x\nabc", ok + ok, 1},
		{"client could not read", "scp -t /dir", "C0644 3 x\nabc\x01scp: x: I/O error\n", ok + ok + ok, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t)
			r.write("dir/old", "old")
			out, stderr, code := r.run(tt.command, tt.in)
			if out != tt.out || code != tt.code || stderr != "" {
				t.Errorf("out %q, stderr %q, status %d; want %q, %d", out, stderr, code, tt.out, tt.code)
			}
		})
	}
}

func TestSCPUsage(t *testing.T) {
	r := start(t)
	for command, want := range map[string]string{
		"scp":              "one of -t and -f is needed",
		"scp -t":           "file name is missing",
		"scp -t -f /x":     "exclude each other",
		"scp -t a b":       "ambiguous target",
		"scp -X -t a":      "unknown option -X",
		"scp -t 'a":        "bad command line",
		"rm -rf /":         "command not available: rm",
		"scp\x1b[2J -t /x": "command not available: scp?[2J",
		"":                 "bad command line",
	} {
		out, stderr, code := r.run(command, "")
		if out != "" || !strings.Contains(stderr, want) || code != 1 {
			t.Errorf("%q: out %q, stderr %q, status %d; want %q, 1", command, out, stderr, code, want)
		}
	}
}

func TestSCPDisabled(t *testing.T) {
	r := start(t, func(s *setup) { s.cfg.EnabledSSHCommands = []string{"rm", "md5sum", "ls", "rm"} })
	if _, stderr, code := r.run("scp -f /x", ""); !strings.Contains(stderr, "not available") || code != 1 {
		t.Errorf("stderr %q, status %d", stderr, code)
	}
	if !strings.Contains(r.log.String(), "do not exist; clients are refused them: ls, rm") {
		t.Error("no warning that names the commands")
	}
}

func TestSCPSourceBytes(t *testing.T) {
	written, read := time.Unix(1_600_000_000, 0), time.Unix(1_500_000_000, 0)
	tests := []struct {
		name, command string
		acks          int
		out           string
		code          int
	}{
		{"file", "scp -f /dir/a.txt", 3, "C0640 1 a.txt\nA\x00", 0},
		{"times", "scp -p -f /dir/a.txt", 4, "T1600000000 0 1500000000 0\nC0640 1 a.txt\nA\x00", 0},
		{"pattern", "scp -f /d*/*.txt", 5, "C0640 1 a.txt\nA\x00C0644 1 b.txt\nB\x00", 0},
		{"quoted pattern", "scp -f '/dir/*.txt'", 1, "\x01scp: /dir/*.txt: no such file or directory\n", 1},
		{"two names", "scp -f /dir/a.txt /dir/b.txt", 5, "C0640 1 a.txt\nA\x00C0644 1 b.txt\nB\x00", 0},
		{"missing", "scp -f /nope", 1, "\x01scp: /nope: no such file or directory\n", 1},
		{"directory", "scp -f /dir", 1, "\x01scp: /dir: not a regular file\n", 1},
		{"negated class", "scp -f /dir/[!a].txt", 3, "C0644 1 b.txt\nB\x00", 0},
		{"option after the mode", "scp -f -r -- /tree/sub", 3, "D0755 0 sub\nE\n", 0},
		{"slash at the end", "scp -r -f /tree/sub/", 3, "D0755 0 sub\nE\n", 0},
		{"client refuses a file", "scp -f /dir/*.txt", 1, "C0640 1 a.txt\n", 1},
		{"tree", "scp -rf /tree", 7, "D0755 0 tree\nC0644 1 f\nF\x00D0755 0 sub\nE\nE\n", 0},
		{"root", "scp -r -f .", 15, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t)
			r.write("dir/a.txt", "A")
			r.write("dir/b.txt", "B")
			r.write("tree/f", "F")
			must(t, os.Mkdir(filepath.Join(r.home, "tree/sub"), 0o755))
			must(t, os.Chmod(filepath.Join(r.home, "dir/a.txt"), 0o640))
			must(t, os.Chtimes(filepath.Join(r.home, "dir/a.txt"), read, written))
			out, stderr, code := r.run(tt.command, strings.Repeat("\x00", tt.acks))
			if tt.name == "root" {
				if !strings.HasPrefix(out, "D0") || !strings.Contains(out, " 0 alice\n") || code != 0 {
					t.Errorf("out %q, status %d", out, code)
				}
				return
			}
			if out != tt.out || code != tt.code || stderr != "" {
				t.Errorf("out %q, stderr %q, status %d; want %q, %d", out, stderr, code, tt.out, tt.code)
			}
		})
	}
}

func TestSCPLinks(t *testing.T) {
	r := start(t)
	r.write("d/f", "F")
	must(t, os.Symlink("f", filepath.Join(r.home, "d/link")))
	must(t, os.Symlink("../d", filepath.Join(r.home, "d/loop")))
	must(t, os.Symlink("/etc", filepath.Join(r.home, "d/etc")))
	out, _, code := r.run("scp -r -f /d", strings.Repeat("\x00", 20))
	for _, want := range []string{"C0644 1 link\nF\x00", "C0644 1 f\nF\x00", "\x01scp: /d/loop: link to a directory skipped"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if strings.Contains(out, "passwd") || code != 1 {
		t.Errorf("out %q, status %d", out, code)
	}
}

func TestSCPAttributes(t *testing.T) {
	r := start(t)
	in := "T1500000000 0 1500000000 0\nD0750 0 d\nT1600000000 0 1600000000 0\nC0600 1 f\na\x00E\n"
	if _, _, code := r.run("scp -r -p -t /", in); code != 0 {
		t.Fatalf("status %d", code)
	}
	for name, want := range map[string]struct {
		mode os.FileMode
		time int64
	}{"d": {os.ModeDir | 0o750, 1_500_000_000}, "d/f": {0o600, 1_600_000_000}} {
		info, err := os.Stat(filepath.Join(r.home, name))
		must(t, err)
		if info.Mode() != want.mode || info.ModTime().Unix() != want.time {
			t.Errorf("%s: %v, %d; want %v, %d", name, info.Mode(), info.ModTime().Unix(), want.mode, want.time)
		}
	}
}

func TestSCPQuota(t *testing.T) {
	r := start(t, func(s *setup) { s.user.QuotaSize = 100_000 })
	body := strings.Repeat("x", 200_000)
	out, _, code := r.run("scp -d -t /", "C0644 200000 big\n"+body+"\x00C0644 1 small\na\x00")
	if want := "\x00\x00\x01scp: /big: quota exceeded\n\x00\x00"; out != want || code != 1 {
		t.Errorf("out %q, status %d; want %q, 1", out, code, want)
	}
	want := []event{
		{actions.UploadFailed, "SCP", "/big", "", actions.StatusQuota, 0},
		{actions.UploadDone, "SCP", "/small", "", actions.StatusOK, 1},
	}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	// What is too much to be read in vain ends the run.
	stdout, stderr, code := r.run("scp -t /huge", "C0644 99999999999 huge\n"+strings.Repeat("x", 300_000))
	if stdout != "\x00\x00" || !strings.Contains(stderr, "scp: /huge: quota exceeded") || code != 1 {
		t.Errorf("out %q, stderr %q, status %d", stdout, stderr, code)
	}
}

func TestSCPPermissions(t *testing.T) {
	r := start(t, func(s *setup) {
		s.user.Permissions["/"] = []string{"list", "upload"}
		s.user.Permissions["/drop"] = []string{"upload", "create_dirs"}
		s.user.Permissions["/pick"] = []string{"download"}
		s.user.Permissions["/dated"] = []string{"list", "upload", "chtimes"}
	})
	must(t, os.Mkdir(filepath.Join(r.home, "dated"), 0o755))
	must(t, os.Mkdir(filepath.Join(r.home, "drop"), 0o755))
	// Who may download but not list gets what they name, and nothing else.
	must(t, os.Mkdir(filepath.Join(r.home, "pick"), 0o755))
	r.write("pick/f", "F")
	for command, want := range map[string]string{
		"scp -f /pick/f":     "C0644 1 f\nF\x00",
		"scp -f /pick/*":     "\x01scp: /pick/*: no such file or directory\n",
		"scp -r -f /pick":    "\x01scp: /pick: permission denied\n",
		"scp -f /pick/other": "\x01scp: /pick/other: no such file or directory\n",
	} {
		if out, _, _ := r.run(command, strings.Repeat("\x00", 3)); out != want {
			t.Errorf("%s: %q, want %q", command, out, want)
		}
	}
	// A tree goes below a directory that cannot be seen, with or without a slash.
	for _, target := range []string{"/drop", "/drop/"} {
		out, _, code := r.run("scp -r -t "+target, "D0755 0 tree\nC0644 1 f\na\x00E\n")
		if out != strings.Repeat("\x00", 5) || code != 0 || r.read("drop/tree/f") != "a" {
			t.Errorf("%s: out %q, status %d", target, out, code)
		}
		must(t, os.RemoveAll(filepath.Join(r.home, "drop/tree")))
	}
	// What may not be set is left alone, and keeps nothing else from being set.
	if _, _, code := r.run("scp -p -t /dated/f", "T1600000000 0 1500000000 0\nC0600 1 f\na\x00"); code != 0 {
		t.Errorf("status %d", code)
	}
	if info, err := os.Stat(filepath.Join(r.home, "dated/f")); err != nil || info.ModTime().Unix() != 1_600_000_000 || info.Mode() == 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// Without the permission to list, the target is found to be a directory late.
	out, _, code := r.run("scp -p -t /drop", "T1 0 1 0\nC0600 1 f\na\x00")
	if out != "\x00\x00\x00\x00" || code != 0 || r.read("drop/f") != "a" {
		t.Errorf("out %q, status %d", out, code)
	}
	out, _, code = r.run("scp -f /drop/f", "\x00")
	if !strings.HasSuffix(out, "permission denied\n") || code != 1 {
		t.Errorf("out %q, status %d", out, code)
	}
}
