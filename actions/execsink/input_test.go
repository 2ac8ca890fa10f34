//go:build unix

package execsink_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
)

// large renders a body that no pipe holds.
type large struct{ size int }

func (f large) Render(*actions.Event) (actions.Call, error) {
	return actions.Call{Body: []byte(strings.Repeat("x", f.size)), Env: []string{"ADDED=1"}}, nil
}

func withBody() execsink.Config {
	cfg := short()
	cfg.Timeout *= 10
	cfg.Stdin = execsink.StdinBody
	return cfg
}

func TestBodyOnStandardInput(t *testing.T) {
	for _, size := range []int{0, 10, 1 << 20} {
		s := newSink(t, script(t, `wc -c; exit 1`), large{size}, withBody())
		var out *actions.OutputError
		if err := deliver(t, s); !errors.As(err, &out) {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.Output); got != map[int]string{0: "0", 10: "11", 1 << 20: "1048577"}[size] {
			t.Errorf("%d bytes: %s arrived", size, got)
		}
	}
}

// A program need not read, nor need what it leaves behind.
func TestBodyThatNobodyReads(t *testing.T) {
	for name, text := range map[string]string{
		"not at all":     "exit 0",
		"a little":       "head -c 1 >/dev/null; exit 0",
		"closed":         "exec <&-; exit 0",
		"a child has it": "sleep 20 & exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			if err := deliver(t, newSink(t, script(t, text), large{1 << 20}, withBody())); err != nil {
				t.Error(err)
			}
		})
	}
	cfg := withBody()
	cfg.Timeout = short().Timeout
	if err := deliver(t, newSink(t, script(t, "sleep 60"), large{1 << 20}, cfg)); err == nil {
		t.Error("no timeout")
	}
}

func TestCleanEnvironment(t *testing.T) {
	t.Setenv("LEFT_OUT", "1")
	cfg := short()
	cfg.Inherit = execsink.CleanEnvironment(os.Environ())
	s := newSink(t, script(t, "env; exit 1"), large{}, cfg)
	var out *actions.OutputError
	if err := deliver(t, s); !errors.As(err, &out) {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out.Output) {
		name, _, _ := strings.Cut(line, "=")
		if !slices.Contains([]string{"PWD", "SHLVL", "_", "OLDPWD"}, name) { // the shell's own
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if d := cmp.Diff([]string{"ADDED", "PATH"}, names); d != "" {
		t.Error(d)
	}
}
