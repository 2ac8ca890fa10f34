package shell_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

// listed is a home whose files have times of their own.
func listed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "a dir"), 0o750))
	must(t, os.WriteFile(filepath.Join(dir, "big"), make([]byte, 123_456), 0o604))
	must(t, os.WriteFile(filepath.Join(dir, ".hidden"), nil, 0o000))
	must(t, os.WriteFile(filepath.Join(dir, "wörld\n-> x"), []byte("x"), 0o644))
	must(t, os.Link(filepath.Join(dir, "big"), filepath.Join(dir, "second")))
	must(t, os.Symlink("../../out", filepath.Join(dir, "a dir", "out")))
	time.Sleep(20 * time.Millisecond) // the clock of files has ticks: "gone" is newer, for ls -t
	must(t, os.Symlink("../gone/x", filepath.Join(dir, "a dir", "gone")))
	must(t, os.Symlink("a dir", filepath.Join(dir, "link")))
	old := time.Date(2021, 3, 4, 5, 6, 7, 890_000_000, time.Local)
	for _, name := range []string{"big", ".hidden", "wörld\n-> x", "a dir", "."} {
		must(t, os.Chtimes(filepath.Join(dir, name), old, old))
	}
	return dir
}

// TestList is the layout that clients parse.
func TestList(t *testing.T) {
	dir := listed(t)
	info, err := os.Stat(filepath.Join(dir, "a dir"))
	must(t, err)
	size := func(width int) string { return fmt.Sprintf("%*d", width, info.Size()) }
	zone := time.Date(2021, 3, 4, 5, 6, 7, 0, time.Local).Format("-0700")
	now := `\w{3} [ \d]\d \d\d:\d\d`
	full := `2021-03-04 05:06:07.890000000 ` + regexp.QuoteMeta(zone)
	for _, tt := range []struct{ line, want string }{
		{"ls", "a dir\nbig\nlink\nsecond\nwörld\\?-> x\n"},
		{"ls -A -r", "wörld\\?-> x\nsecond\nlink\nbig\na dir\n.hidden\n"},
		{"ls -l", `total \d+
drwxr-x--- 1 u u ` + size(6) + ` Mar  4  2021 a dir
-rw----r-- 2 u u 123456 Mar  4  2021 big
lrwxrwxrwx 1 u u      5 ` + now + ` link -> a dir
-rw----r-- 2 u u 123456 Mar  4  2021 second
-rw-r--r-- 1 u u      1 Mar  4  2021 wörld\?-> x
`},
		{"ls -la --full-time 'a dir'", `total \d+
drwxr-x--- 1 u u +\d+ ` + full + ` \.
d\S+ 1 u u +\d+ ` + full + ` \.\.
lrwxrwxrwx 1 u u +9 20\d\d-\d\d-\d\d [\d:]{8}\.\d{9} [+-]\d{4} gone -> \.\./gone/x
lrwxrwxrwx 1 u u +9 .* out -> \?
`},
		{"ls -lad big", `-rw----r-- 2 u u 123456 Mar  4  2021 big
`},
		{"ls -l --time-style=full-iso /big", `-rw----r-- 2 u u 123456 ` + full + ` /big
`},
		{"ls -ld link", `lrwxrwxrwx 1 u u 5 ` + now + ` link -> a dir
`},
		{"ls -ld link/", `drwxr-x--- 1 u u ` + size(1) + ` Mar  4  2021 link/
`},
		{"ls link", "gone\nout\n"},
		{"ls -t big 'a dir'", "big\n\na dir:\ngone\nout\n"},
		{"ls -la /", `total \d+
d\S+ 1 u u +\d+ Mar  4  2021 \.
d\S+ 1 u u +\d+ Mar  4  2021 \.\.
---------- 1 u u +0 Mar  4  2021 \.hidden
(.*\n)*`},
	} {
		out, stderr, status := run(t, open(t, dir), tt.line+"\n")
		if !regexp.MustCompile(`^`+tt.want+`$`).MatchString(out) || stderr != "" || status != 0 {
			t.Errorf("%s: %d, %q\n%s\nwant\n%s", tt.line, status, stderr, out, tt.want)
		}
	}
}

// TestListLikeGNU: the columns are those of GNU ls. Its links of directories count
// what is in them, and its total is of blocks.
func TestListLikeGNU(t *testing.T) {
	if text, err := exec.Command("ls", "--version").Output(); err != nil || !strings.Contains(string(text), "GNU coreutils") {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no GNU ls")
		}
		t.Skip("there is no GNU ls")
	}
	dir := listed(t)
	must(t, os.Remove(filepath.Join(dir, "wörld\n-> x")))
	same := regexp.MustCompile(`(?m)^total \d+\n|^(d\S+) +\d+`)
	for _, options := range []string{"-l", "-la", "-la --full-time", "-lA -r", "-1", "-a"} {
		cmd := exec.Command("ls", append(strings.Fields(options), ".")...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
		want, err := cmd.Output()
		must(t, err)
		owner := regexp.MustCompile(`(?m)^(\S{10} +\d+ )\S+ +\S+ `).ReplaceAllString(string(want), "${1}u u ")
		out, _, _ := run(t, open(t, dir), "ls "+options+"\n")
		tidy := func(text string) string {
			// What lies above the root is not shown: the root is its own parent.
			text = regexp.MustCompile(`(?m)^.* \.\.\n`).ReplaceAllString(text, "")
			return regexp.MustCompile(` +`).ReplaceAllString(same.ReplaceAllString(text, "$1"), " ")
		}
		if diff := cmp.Diff(tidy(owner), tidy(out)); diff != "" {
			t.Errorf("ls %s (-GNU +here):\n%s", options, diff)
		}
	}
}

// TestListPermissions: who may list below, but not above, can do that; a directory
// that cannot be looked at has its dots nevertheless, since WinSCP needs them.
func TestListPermissions(t *testing.T) {
	dir := home(t)
	s := open(t, dir, func(u *dataprovider.User) {
		u.Username = "ann lee\x1b"
		u.Permissions = map[string][]string{"/": {"upload"}, "/dir": {"list"}}
	})
	out, stderr, _ := run(t, s, "ls -la\nls -l dir\nls -la dir; echo $?\ncd none; cd dir; pwd\ngroups\n")
	want := `^total \d+
-rw------- 1 ann_lee_ ann_lee_ +3 \w{3} [ \d]\d \d\d:\d\d old
drwxr-xr-x 1 ann_lee_ ann_lee_ +\d+ \w{3} [ \d]\d \d\d:\d\d sub
total \d+
d--------- 1 ann_lee_ ann_lee_ +0 Jan  1  1970 \.
d--------- 1 ann_lee_ ann_lee_ +0 Jan  1  1970 \.\.
-rw------- .* old
drwxr-xr-x .* sub
0
/dir
ann_lee_
$`
	if !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("out:\n%s\nwant:\n%s", out, want)
	}
	if want := "ls: cannot access '.': permission denied\ncd: none: permission denied\n"; stderr != want {
		t.Errorf("stderr %q; want %q", stderr, want)
	}
}

// TestListMany: of a large directory all is shown, the first of it in order.
func TestListMany(t *testing.T) {
	dir := t.TempDir()
	const n = 10_500
	for i := range n {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("f%05d", i)))
		must(t, err)
		must(t, f.Close())
	}
	out, _, _ := run(t, open(t, dir), "ls\n")
	names := strings.Fields(out)
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
	}
	if len(names) != n || len(seen) != n {
		t.Errorf("%d lines, %d names; want %d", len(names), len(seen), n)
	}
}
