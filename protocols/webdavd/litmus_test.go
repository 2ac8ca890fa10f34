package webdavd_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"sftpgo/protocols/session"
)

// client returns the path of a program that a test needs. Where CI is set to
// true, a missing one is a failure.
func client(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err == nil {
		return p
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// TestLitmus runs the protocol test suite: every test of every group passes, none is
// skipped, none warns.
func TestLitmus(t *testing.T) {
	tests := map[string]int{"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4} // of 0.13; newer ones have more
	r := newRig(t, session.Config{UploadMode: 1})
	cmd := exec.CommandContext(t.Context(), client(t, "litmus"), "-k", r.url+"/", "alice", password)
	cmd.Dir = t.TempDir() // it writes debug.log
	cmd.Env = append(os.Environ(), "TESTS=basic copymove props locks http")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("litmus: %v", err)
	}
	run, passed := map[string]int{}, map[string]int{}
	summary := regexp.MustCompile("summary for `(\\w+)': of (\\d+) tests run: (\\d+) passed")
	for _, m := range summary.FindAllStringSubmatch(string(out), -1) {
		run[m[1]], _ = strconv.Atoi(m[2])
		passed[m[1]], _ = strconv.Atoi(m[3])
	}
	for group, n := range tests {
		if run[group] < n || passed[group] != run[group] {
			t.Errorf("%s: %d of %d tests passed, want all of at least %d", group, passed[group], run[group], n)
		}
	}
	for _, word := range []string{"SKIPPED", "WARNING", "FAIL"} {
		if bytes.Contains(out, []byte(word)) {
			t.Errorf("litmus says %s", word)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
