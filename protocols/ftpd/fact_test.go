package ftpd_test

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func TestFacts(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/":       {dataprovider.PermAny},
			"/ro":     {dataprovider.PermList, dataprovider.PermDownload},
			"/ro/box": {dataprovider.PermUpload},
		}
	}})
	s.write(t, "a", "12345")
	s.write(t, "ro/b", "")
	for _, dir := range []string{"ro/box", "sub"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(s.path("a"), s.path("same")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	facts := func(cmd string) map[string]map[string]string {
		all := map[string]map[string]string{}
		for _, line := range lines(c.get("%s", cmd)) {
			list, name, _ := strings.Cut(line, "; ")
			all[name] = map[string]string{}
			for fact := range strings.SplitSeq(list, ";") {
				k, v, _ := strings.Cut(fact, "=")
				all[name][k] = v
			}
		}
		return all
	}
	root, ro := facts("MLSD"), facts("MLSD ro")
	for _, tt := range []struct{ got, want string }{
		{root["a"]["Perm"], "adfrw"}, {root["sub"]["Perm"], "cdeflmp"}, {root["ro"]["Perm"], "defl"},
		{ro["b"]["Perm"], "r"}, {ro["box"]["Perm"], "ce"}, {root["a"]["UNIX.mode"], "0644"}, {root["a"]["Size"], "5"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
	if a := root["a"]["Unique"]; a == "" || a != root["same"]["Unique"] || a == root["sub"]["Unique"] {
		t.Errorf("Unique: %v", root)
	}

	if got := c.cmd(200, "OPTS MLST size;TYPE;nonsense;"); got != "MLST OPTS Type;Size;" {
		t.Errorf("OPTS MLST: %q", got)
	}
	if text := c.cmd(211, "FEAT"); !strings.Contains(text, "\n MLST Type*;Size*;Modify;Perm;Unique;UNIX.mode;\n") {
		t.Errorf("FEAT: %s", text)
	}
	if got := c.cmd(250, "MLST a"); got != "Facts:\n Type=file;Size=5; /a\nEnd" {
		t.Errorf("MLST: %q", got)
	}
	if got := c.cmd(250, "MLST"); !strings.HasPrefix(got, "Facts:\n Type=dir;") || !strings.HasSuffix(got, "; /\nEnd") {
		t.Errorf("MLST: %q", got)
	}
	c.cmd(200, "OPTS MLST")
	if got := c.get("MLSD sub"); got != "" {
		t.Errorf("MLSD: %q", got)
	}
	if got := c.cmd(250, "MLST a"); got != "Facts:\n  /a\nEnd" {
		t.Errorf("MLST: %q", got)
	}
}

// The time zone of the host is nobody's business: facts, MDTM and LIST are UTC.
func TestTimesAreUTC(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "")
	at := time.Date(2020, 7, 1, 12, 0, 0, 0, time.FixedZone("east", 9*3600))
	if err := os.Chtimes(s.path("a"), at, at); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	if got := c.cmd(213, "MDTM a"); got != "20200701030000" {
		t.Errorf("MDTM: %s", got)
	}
	if got := c.get("MLSD"); !strings.Contains(got, "Modify=20200701030000;") {
		t.Errorf("MLSD: %s", got)
	}
}

func TestListPatternsAndOptions(t *testing.T) {
	s := start(t, options{})
	for _, name := range []string{"a.txt", "b.txt", "c.dat", ".hidden.txt", "sub/d.txt", "-l", "x[1]"} {
		s.write(t, name, "")
	}
	c := login(t, s)
	for _, tt := range []struct{ cmd, want string }{
		{"NLST *.txt", "a.txt b.txt"},
		{"NLST -l *.txt", "a.txt b.txt"},
		{"NLST sub/*.txt", "sub/d.txt"},
		{"NLST /sub/?.txt", "/sub/d.txt"},
		{"NLST .", "-l .hidden.txt a.txt b.txt c.dat sub x[1]"},
		{"NLST .*", ".hidden.txt"},
		{"NLST *.none", ""},
		{"NLST x[1]", "x[1]"},
		{"NLST [", "!"},
		{"NLST -l", "-l"},
		{"NLST -- -l", "-l"},
		{"NLST -alFt sub", "sub/d.txt"},
		{"NLST -a -l sub", "sub/d.txt"},
		{"NLST none/*.txt", "!"},
	} {
		d := c.data("%s", tt.cmd)
		code, _, _ := c.text.ReadResponse(0)
		if tt.want == "!" {
			if tt.cmd == "NLST [" && code == 150 { // a malformed pattern finds nothing
				_, _ = io.ReadAll(d)
				c.expect(226)
			} else if code != 550 {
				t.Errorf("%s: %d", tt.cmd, code)
			}
			d.Close()
			continue
		}
		b, _ := io.ReadAll(d)
		d.Close()
		c.expect(226)
		if got := strings.Join(strings.Fields(string(b)), " "); code != 150 || got != tt.want {
			t.Errorf("%s: %d %q, want %q", tt.cmd, code, got, tt.want)
		}
	}
	for _, cmd := range []string{"LIST -R", "NLST -lR sub", "LIST -aR"} {
		d := c.data("%s", cmd)
		c.expect(504)
		d.Close()
	}
	c.cmd(504, "STAT -R")
	if text := c.cmd(212, "STAT -l *.dat"); !regexp.MustCompile(`^Status of /\n -rw-r--r-- .* c.dat\nEnd$`).MatchString(text) {
		t.Errorf("STAT: %q", text)
	}
	c.cmd(250, "CWD sub")
	if got := c.get("NLST /"); !strings.Contains(got, "/a.txt\r\n") {
		t.Errorf("NLST /: %q", got)
	}
	c.cmd(550, "CWD d.txt")
}
