package sshd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

// names that have broken servers.
func awkward() []string {
	return []string{"plain", "with space", "größe 日本", "quote'd \"x\"", "star*[1]?", "-dash", "#hash;semi&", "tab\there"}
}

func makeTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{"sub dir/deep/er": strings.Repeat("deep", 100_000), "empty": ""}
	for _, name := range awkward() {
		files[name] = "content of " + name
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o640))
		must(t, os.Chtimes(path, time.Unix(1_600_000_000, 0), time.Unix(1_600_000_000, 0)))
	}
	return files
}

func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	}))
	return files
}

// TestSCPClient copies a tree both ways with the client of OpenSSH, over the
// legacy protocol and over SFTP.
func TestSCPClient(t *testing.T) {
	for _, flag := range []string{"-O", "-s"} {
		t.Run(flag, func(t *testing.T) {
			r := start(t)
			src := filepath.Join(t.TempDir(), "a tree")
			files := makeTree(t, src)
			// Into an existing directory, and under a new name.
			if _, stderr, err := r.client("scp", "", flag, "-r", "-p", src, host+":/"); err != nil {
				t.Fatalf("upload: %v\n%s", err, stderr)
			}
			if diff := cmp.Diff(files, readTree(t, filepath.Join(r.home, "a tree"))); diff != "" {
				t.Errorf("uploaded (-want +got):\n%s", diff)
			}
			info, err := os.Stat(filepath.Join(r.home, "a tree/plain"))
			must(t, err)
			if info.Mode() != 0o640 || info.ModTime().Unix() != 1_600_000_000 {
				t.Errorf("-p: %v %v", info.Mode(), info.ModTime())
			}
			if _, stderr, err := r.client("scp", "", flag, "-r", src, host+":/renamed"); err != nil {
				t.Fatalf("upload: %v\n%s", err, stderr)
			}
			if diff := cmp.Diff(files, readTree(t, filepath.Join(r.home, "renamed"))); diff != "" {
				t.Errorf("uploaded under a new name (-want +got):\n%s", diff)
			}
			dst := filepath.Join(t.TempDir(), "back")
			if _, stderr, err := r.client("scp", "", flag, "-r", "-p", host+":/renamed", dst); err != nil {
				t.Fatalf("download: %v\n%s", err, stderr)
			}
			if diff := cmp.Diff(files, readTree(t, dst)); diff != "" {
				t.Errorf("downloaded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSCPClientDetails(t *testing.T) {
	r := start(t)
	r.write("in/a.txt", "A")
	r.write("in/b.txt", "B")
	r.write("in/c d.txt", "C")
	dst := t.TempDir()
	tests := []struct {
		what string
		args []string
		ok   bool
		want string
	}{
		{"glob", []string{"-O", host + ":/in/?.txt", dst}, true, ""},
		{"escaped for a shell", []string{"-O", host + ":/in/c\\ d.txt", dst}, true, ""},
		{"home", []string{"-O", host + ":in/a.txt", dst}, true, ""},
		{"whole home", []string{"-O", "-r", host + ":/", filepath.Join(dst, "all")}, true, ""},
		{"missing", []string{"-O", host + ":/in/zz", dst}, false, "scp: /in/zz: no such file or directory"},
		{"directory", []string{"-O", host + ":/in", dst}, false, "scp: /in: not a regular file"},
		{"upload to missing", []string{"-O", r.keyFile, host + ":/no/such/dir/"}, false, "no such file or directory"},
	}
	for _, tt := range tests {
		_, stderr, err := r.client("scp", "", tt.args...)
		if (err == nil) != tt.ok || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: %v\n%s", tt.what, err, stderr)
		}
	}
	want := map[string]string{
		"a.txt": "A", "b.txt": "B", "c d.txt": "C",
		"all/in/a.txt": "A", "all/in/b.txt": "B", "all/in/c d.txt": "C",
	}
	if diff := cmp.Diff(want, readTree(t, dst)); diff != "" {
		t.Errorf("downloaded (-want +got):\n%s", diff)
	}
}

func TestSFTPClient(t *testing.T) {
	r := start(t)
	local := t.TempDir()
	must(t, os.WriteFile(filepath.Join(local, "f"), []byte(strings.Repeat("0123456789", 50_000)), 0o640))
	must(t, os.WriteFile(filepath.Join(local, "half"), []byte(strings.Repeat("0123456789", 20_000)), 0o640))
	must(t, os.WriteFile(filepath.Join(local, "part"), []byte("0123456789"), 0o640))
	batch := fmt.Sprintf(`lcd "%s"
mkdir "a dir"
cd "a dir"
put f
put half resumed
reput f resumed
get f back
reget f part
rename resumed renamed
rename f renamed
ln -s renamed link
get link whole
rm link
chmod 600 renamed
put -p f times
df
ls -l
ls -la /
mkdir sub
rmdir sub
`, local)
	stdout, stderr, err := r.client("sftp", batch, "-b", "-", host)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if line := regexp.MustCompile(`(?m)^-rw------- +\? alice +alice +500000 \w{3} +\d+ [\d:]+ renamed$`); !line.MatchString(stdout) {
		t.Errorf("ls -l: %s", stdout)
	}
	whole := strings.Repeat("0123456789", 50_000)
	for name, want := range map[string]string{"a dir/renamed": whole, "a dir/times": whole} {
		if r.read(name) != want {
			t.Errorf("%s differs", name)
		}
	}
	if infos, err := os.ReadDir(filepath.Join(r.home, "a dir")); err != nil || len(infos) != 2 {
		t.Errorf("left over: %v, %v", infos, err)
	}
	for _, name := range []string{"back", "part", "whole"} {
		if text, err := os.ReadFile(filepath.Join(local, name)); err != nil || string(text) != whole {
			t.Errorf("%s: %v", name, err)
		}
	}
	var failed int
	for _, e := range r.events() {
		if e.Status != actions.StatusOK {
			failed++
		}
	}
	if failed > 0 {
		t.Errorf("%d failed events", failed)
	}
}

func TestSFTPClientMessages(t *testing.T) {
	r := start(t, func(s *setup) { s.user.Permissions["/ro"] = []string{"list"} })
	r.write("ro/f", "x")
	r.write("full/f", "x")
	for command, want := range map[string]string{
		"get /nope":      `File "/nope" not found`,
		"get /ro/f":      "remote open \"/ro/f\": Permission denied",
		"mkdir /full":    "remote mkdir \"/full\": Failure",
		"rmdir /full":    "remote rmdir \"/full\": Failure",
		"ls /nope":       "Can't ls: \"/nope\" not found",
		"cd /full/f":     "Can't change directory: \"/full/f\" is not a directory",
		"ln /ro/f /xx":   "Permission denied",
		"put /nope":      "stat /nope: No such file or directory",
		"cd ..\npwd":     "",
		"rename /ro/f x": "Permission denied",
	} {
		stdout, stderr, err := r.client("sftp", command+"\n", "-b", "-", host)
		if (err != nil) != (want != "") || !strings.Contains(stderr, want) {
			t.Errorf("%s: %v\n%s%s; want %s", command, err, stdout, stderr, want)
		}
	}
}

func TestRefusedPrograms(t *testing.T) {
	r := start(t, func(s *setup) { s.user.MaxSessions = 1 })
	_, stderr, err := r.client("ssh", "", host, "uname -a")
	if err == nil || !strings.Contains(stderr, "command not available: uname") {
		t.Errorf("command: %v, %s", err, stderr)
	}
	r.sftp()
	_, stderr, err = r.client("sftp", "ls\n", "-b", "-", host)
	if err == nil || !strings.Contains(stderr, "too many sessions") {
		t.Errorf("second session: %v, %s", err, stderr)
	}
}
