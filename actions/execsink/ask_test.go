//go:build unix

package execsink_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/sinktest"
)

func ask(t *testing.T, s *execsink.Sink) (actions.Answer, error) {
	t.Helper()
	return s.Ask(t.Context(), sinktest.Event("01A", "/srv/data/alice/a.csv"))
}

func TestAnswerIsStandardOutput(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       actions.Answer
	}{
		{"agrees", `echo '{"a":1}'; echo log >&2`, actions.Answer{Accepted: true, Exact: true, Body: []byte("{\"a\":1}\n")}},
		{"refuses", `echo no; echo log >&2; exit 2`, actions.Answer{Body: []byte("no\n"), Output: "log\n"}},
		{"silent", `exit 0`, actions.Answer{Accepted: true, Exact: true}},
		{"leaves a job that keeps the pipe", `sleep 5 & echo yes`, actions.Answer{Accepted: true, Exact: true, Body: []byte("yes\n")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ask(t, newSink(t, script(t, c.text), sinktest.Format{}, execsink.DefaultConfig()))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Body) == 0 {
				got.Body = nil
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestGigabyteOfAnswer: what is said beyond the limit costs no memory, and the program
// can end.
func TestGigabyteOfAnswer(t *testing.T) {
	s := newSink(t, script(t, "head -c 1073741824 /dev/zero\n"), sinktest.Format{}, execsink.Config{Timeout: time.Minute, MaxRunning: 1})
	a, err := ask(t, s)
	if err != nil || !a.Accepted || !a.Cut || len(a.Body) != actions.AnswerLimit {
		t.Errorf("accepted %v, cut %v, %d bytes, %v", a.Accepted, a.Cut, len(a.Body), err)
	}
}

// TestNoAnswer: a program that is killed has not answered, and neither has one that
// left an orphan in its group and hangs.
func TestNoAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"hangs":            `sleep 60`,
		"hangs, an orphan": `(sleep 60 &); sleep 60`,
		"killed":           `kill -9 $$`,
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ask(t, newSink(t, script(t, "echo yes\n"+text), sinktest.Format{}, short()))
			if err == nil || a.Accepted {
				t.Errorf("Ask = %+v, %v", a, err)
			}
		})
	}
}

// programs is a directory with executable scripts.
func programs(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.Rename(script(t, text), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// named renders little, and the kind as the name.
type named struct{}

func (named) Render(e *actions.Event) (actions.Call, error) {
	return actions.Call{Name: string(e.Kind), Body: []byte(`{"kind":"` + string(e.Kind) + `"}` + "\n")}, nil
}

func TestDirectory(t *testing.T) {
	dir := programs(t, map[string]string{
		"upload.done": `printf '%s|%s' "$#" "$1" >"$0.out"`,
		"refuses":     `exit 1`,
	})
	open := func(missing execsink.Missing) *execsink.Sink {
		cfg := execsink.DefaultConfig()
		cfg.Stdin, cfg.Missing = execsink.StdinBody, missing
		s, err := execsink.NewDirectory(dir, named{}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	strict, lax := open(execsink.MissingRefuses), open(execsink.MissingAccepts)
	e := sinktest.Event("01A", "/a")
	if err := strict.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(filepath.Join(dir, "upload.done.out"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("1|{\"kind\":\"upload.done\"}", string(out)); d != "" {
		t.Error(d)
	}
	for _, c := range []struct {
		kind     actions.Kind
		s        *execsink.Sink
		accepted bool
	}{
		{"refuses", strict, false},
		{"upload.failed", strict, false},
		{"upload.failed", lax, true},
		{"../x", lax, false},
	} {
		e.Kind = c.kind
		a, _ := c.s.Ask(t.Context(), e)
		if err := c.s.Deliver(t.Context(), e); (err == nil) != c.accepted || a.Accepted != c.accepted {
			t.Errorf("%s: %+v, %v", c.kind, a, err)
		}
	}
	e.Kind = "upload.failed"
	if err := strict.Deliver(t.Context(), e); !errors.Is(err, actions.ErrRejected) || !strings.Contains(err.Error(), "hook file upload.failed not found") {
		t.Errorf("err = %v", err)
	}
	if a, err := strict.Ask(t.Context(), e); err != nil || a.Output == "" {
		t.Errorf("Ask = %+v, %v", a, err)
	}
	if _, err := execsink.NewDirectory(filepath.Join(dir, "refuses"), sinktest.Format{}, execsink.DefaultConfig()); err == nil {
		t.Error("a program is no directory")
	}
}
