package ftpd_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\r\n"), "\r\n") }

func TestListingForms(t *testing.T) {
	s := start(t, options{})
	s.write(t, "d/file", "12345")
	s.write(t, "d/sub/deep", "")
	old := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Chmod(s.path("d/file"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.path("d/sub"), os.ModeSticky|os.ModeSetgid|0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "file", "dirlink": "sub", "broken": "nowhere"} {
		if err := os.Symlink(to, s.path("d/"+link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"d/file", "d/sub"} {
		if err := os.Chtimes(s.path(name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	c := login(t, s)

	wantNames := []string{"broken", "dirlink", "file", "link", "sub"}
	c.cmd(250, "CWD d")
	if diff := cmp.Diff(wantNames, lines(c.get("NLST"))); diff != "" {
		t.Errorf("NLST: %s", diff)
	}
	c.cmd(250, "CWD /")
	if diff := cmp.Diff([]string{"d/broken", "d/dirlink", "d/file", "d/link", "d/sub"}, lines(c.get("NLST d"))); diff != "" {
		t.Errorf("NLST of another directory: %s", diff)
	}

	// The time of a link is its own and not interesting.
	var list []string
	for _, line := range lines(c.get("LIST d")) {
		if strings.HasPrefix(line, "l") {
			line = regexp.MustCompile(` +\d+ \w{3} [ \d]\d (\d\d:\d\d| \d{4}) `).ReplaceAllString(line, " ")
		}
		list = append(list, line)
	}
	want := []string{
		"lrwxrwxrwx 1 ftp ftp broken -> nowhere",
		"lrwxrwxrwx 1 ftp ftp dirlink -> sub",
		"-rw-r----- 1 ftp ftp            5 Feb  3  2020 file",
		"lrwxrwxrwx 1 ftp ftp link -> file",
	}
	if diff := cmp.Diff(want, list[:len(want)]); diff != "" {
		t.Errorf("LIST: %s", diff)
	}
	if last := list[len(want)]; !regexp.MustCompile(`^drwxr-xr-x 1 ftp ftp +\d+ Feb  3  2020 sub$`).MatchString(last) {
		t.Errorf("LIST of a directory with sticky bit: %q", last)
	}

	mlsd := map[string]string{}
	for _, line := range lines(c.get("MLSD d")) {
		facts, name, _ := strings.Cut(line, "; ")
		mlsd[name] = facts
	}
	for name, want := range map[string]string{
		"file":    "Type=file;Size=5;Modify=20200203040506",
		"link":    "Type=file;Size=5;Modify=20200203040506", // what it points to
		"dirlink": "Type=dir;",
		"sub":     "Type=dir;",
		"broken":  "Type=file;",
	} {
		if !strings.HasPrefix(mlsd[name], want) {
			t.Errorf("MLSD: %s has %q, want %q", name, mlsd[name], want)
		}
	}

	if got := c.get("LIST d/file"); !strings.HasSuffix(got, " Feb  3  2020 file\r\n") {
		t.Errorf("LIST of a file: %q", got)
	}
	if text := c.cmd(212, "STAT d"); strings.Contains(text, "%s") || !strings.Contains(text, "\n -rw-r-----") {
		t.Errorf("STAT of a directory: %q", text)
	}
	if text := c.cmd(213, "STAT d/file"); !strings.Contains(text, "-rw-r-----") {
		t.Errorf("STAT of a file: %q", text)
	}
	for _, cmd := range []string{"LIST nowhere", "NLST nowhere", "MLSD nowhere", "MLSD d/file"} {
		d := c.data("%s", cmd)
		c.expect(550)
		d.Close()
	}
}

// Options of ls are ignored, but a name that looks like one is a name.
func TestListOptions(t *testing.T) {
	s := start(t, options{})
	s.write(t, "sub/-lost/found", "")
	s.write(t, "sub/other", "")
	c := login(t, s)
	c.cmd(250, "CWD sub")
	for _, tt := range []struct{ cmd, want string }{
		{"NLST -lost", "-lost/found"},
		{"NLST -a -lost", "-lost/found"},
		{"NLST -la", "-lost other"},
		{"NLST -al /sub", "/sub/-lost /sub/other"},
		{"NLST", "-lost other"},
	} {
		if got := strings.Join(lines(c.get("%s", tt.cmd)), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.cmd, got, tt.want)
		}
	}
}

// A name with a line break, made on another protocol, must not look like two
// entries.
func TestListingKeepsLines(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a\r\n-rw-r--r-- 1 ftp ftp 9 Jan  1 00:00 forged", "")
	c := login(t, s)
	for _, cmd := range []string{"LIST", "NLST", "MLSD"} {
		if got := lines(c.get("%s", cmd)); len(got) != 1 {
			t.Errorf("%s shows %d entries: %q", cmd, len(got), got)
		}
	}
}

func TestLongListing(t *testing.T) {
	s := start(t, options{})
	var want []string
	for i := range 1000 {
		name := fmt.Sprintf("file %04d", i)
		want = append(want, name)
		s.write(t, name, "")
	}
	c := login(t, s)
	if diff := cmp.Diff(want, lines(c.get("NLST"))); diff != "" {
		t.Error(diff)
	}
	if n := len(lines(c.get("LIST"))); n != 1000 {
		t.Errorf("LIST has %d lines", n)
	}
	if got := c.get("NLST /file 0000"); got != "/file 0000\r\n" {
		t.Errorf("NLST of a file: %q", got)
	}
}

func TestEmptyListing(t *testing.T) {
	c := login(t, start(t, options{}))
	for _, cmd := range []string{"LIST", "NLST", "MLSD"} {
		if got := c.get("%s", cmd); got != "" {
			t.Errorf("%s of nothing: %q", cmd, got)
		}
	}
}
