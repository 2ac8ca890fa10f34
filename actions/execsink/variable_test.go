//go:build unix

package execsink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
)

// long has one variable that no program could be started with.
type long struct{}

func (long) Render(*actions.Event) (actions.Call, error) {
	return actions.Call{Env: []string{"SHORT=s", "LONG=" + strings.Repeat("x", 200<<10) + "="}}, nil
}

func TestLongVariable(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	got := filepath.Join(t.TempDir(), "got")
	s := newSink(t, script(t, `echo "$SHORT,${LONG-unset}" >`+got+`; stat -c %a "$LONG_FILE" >>`+got+`; wc -c <"$LONG_FILE" >>`+got+"\n"), long{}, execsink.DefaultConfig())
	if err := deliver(t, s); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("s,\n600\n204801\n", string(text)); d != "" {
		t.Error(d)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
