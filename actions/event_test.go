package actions_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

// TestKeys: an event waits for those of its own files only.
func TestKeys(t *testing.T) {
	for _, c := range []struct {
		path, target string
		want         []string
	}{
		{"/a", "/b", []string{"/a", "/b"}},
		{"/a", "", []string{"/a"}},
		{"", "", nil},
	} {
		e := actions.Event{Object: actions.Object{Path: c.path, TargetPath: c.target}}
		if diff := cmp.Diff(c.want, e.Keys()); diff != "" {
			t.Errorf("%q to %q: %s", c.path, c.target, diff)
		}
	}
}
