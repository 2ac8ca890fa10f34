package webdavd_test

import (
	"maps"
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

// TestLitmus runs the protocol test suite. basic, copymove and http pass
// completely; what fails of the others needs dead properties, which are not kept.
func TestLitmus(t *testing.T) {
	floor := map[string]int{"basic": 16, "copymove": 13, "props": 11, "locks": 38, "http": 4}
	complete := []string{"basic", "copymove", "http"}
	r := newRig(t, session.Config{UploadMode: 1})
	cmd := exec.CommandContext(t.Context(), client(t, "litmus"), "-k", r.url+"/", "alice", password)
	cmd.Dir = t.TempDir() // it writes debug.log
	cmd.Env = append(os.Environ(), "TESTS=basic copymove props locks http")
	out, err := cmd.CombinedOutput()
	t.Logf("litmus: %v\n%s", err, out)

	summary := regexp.MustCompile("summary for `(\\w+)': of (\\d+) tests run: (\\d+) passed, (\\d+) failed")
	passed, failed := map[string]int{}, map[string]int{}
	for _, m := range summary.FindAllStringSubmatch(string(out), -1) {
		passed[m[1]], _ = strconv.Atoi(m[3])
		failed[m[1]], _ = strconv.Atoi(m[4])
	}
	t.Logf("passed: %v, failed: %v", passed, failed)
	for suite := range maps.Keys(floor) {
		if passed[suite] < floor[suite] {
			t.Errorf("%s: %d tests passed, want at least %d", suite, passed[suite], floor[suite])
		}
	}
	for _, suite := range complete {
		if failed[suite] > 0 {
			t.Errorf("%s: %d tests failed", suite, failed[suite])
		}
	}
}
