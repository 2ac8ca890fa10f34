package ftpd_test

import (
	"os"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCombine(t *testing.T) {
	s := start(t, options{cfg: everything})
	for name, content := range map[string]string{"d/1": "one", "d/2 2": "two", "d/3": "", "d/there": "0"} {
		s.write(t, name, content)
	}
	c := login(t, s)
	c.cmd(250, "CWD d")
	c.cmd(250, `COMB new 1 "2 2" 3`)
	if got := s.read(t, "d/new"); got != "onetwo" {
		t.Errorf("combined: %q", got)
	}
	var kinds []string
	for _, e := range s.events.take(t, 7) {
		kinds = append(kinds, string(e.Kind)+" "+path.Base(e.Object.Name))
	}
	want := []string{"download.done 1", "download.done 2 2", "download.done 3", "upload.done new", "delete.done 1", "delete.done 2 2", "delete.done 3"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("events: %s", diff)
	}
	c.cmd(250, "COMB there /d/new")
	if got := s.read(t, "d/there"); got != "0onetwo" {
		t.Errorf("appended: %q", got)
	}
	if _, err := os.Stat(s.path("d/new")); err == nil {
		t.Error("a part is still there")
	}
}

// A combination that fails loses nothing.
func TestCombineRefused(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "target", "0")
	s.write(t, "part", "1")
	if err := os.Symlink("target", s.path("link")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	for arg, code := range map[string]int{
		"": 501, "target": 501, `target "part`: 501, "target nowhere": 550, "target part nowhere": 550, "new nowhere": 550,
		"target target": 553, "target part ./part": 553, "target link": 553, "target ../../x": 553,
	} {
		c.cmd(code, "COMB %s", arg)
		if s.read(t, "target") != "0" || s.read(t, "part") != "1" {
			t.Fatalf("COMB %s: %q, %q", arg, s.read(t, "target"), s.read(t, "part"))
		}
	}
	if _, err := os.Stat(s.path("new")); err == nil {
		t.Error("a target was left that is not complete")
	}
}
