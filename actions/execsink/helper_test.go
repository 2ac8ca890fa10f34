//go:build unix

package execsink_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/sinktest"
)

// The test binary is the program under test when this variable names a directory.
const helperDir = "EXECSINK_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(helper(dir))
	}
	os.Exit(m.Run())
}

// received is what the program saw.
type received struct{ Args, Env []string }

// helper records how it was called, then does what the file "answer" says.
func helper(dir string) int {
	data, err := json.Marshal(received{os.Args[1:], os.Environ()})
	if err != nil {
		panic(err)
	}
	name := filepath.Join(dir, fmt.Sprintf("%020d.%d", time.Now().UnixNano(), os.Getpid()))
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(name+".new", name+".json"); err != nil {
		panic(err)
	}
	answer, err := os.ReadFile(filepath.Join(dir, "answer"))
	if err != nil {
		panic(err)
	}
	switch string(answer) {
	case string(sinktest.Refuse):
		return 3
	case string(sinktest.Hang):
		time.Sleep(time.Minute)
	}
	return 0
}

// receiver makes a sink that runs this test binary.
func receiver(t *testing.T, f actions.Format) sinktest.Receiver {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(helperDir, dir)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each run takes a second under -race
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := newSink(t, self, f, execsink.DefaultConfig())
	answer := func(a sinktest.Answer) {
		if err := os.WriteFile(filepath.Join(dir, "answer"), []byte(a), 0o600); err != nil {
			t.Error(err)
		}
	}
	answer(sinktest.Accept)
	return sinktest.Receiver{Sink: s, Answer: answer, Arrived: func() []sinktest.Arrival { return arrived(t, dir) }}
}

func newSink(t *testing.T, path string, f actions.Format, cfg execsink.Config) *execsink.Sink {
	t.Helper()
	s, err := execsink.New(path, f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func arrived(t *testing.T, dir string) []sinktest.Arrival {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	var all []sinktest.Arrival
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r received
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		a := sinktest.Arrival{Call: actions.Call{Args: r.Args}}
		for _, v := range r.Env {
			if !strings.HasPrefix(v, sinktest.EnvPrefix) {
				continue
			}
			a.Call.Env = append(a.Call.Env, v)
			if id, ok := strings.CutPrefix(v, sinktest.EnvPrefix+"ID="); ok {
				a.ID = id
			}
		}
		all = append(all, a)
	}
	return all
}

func TestConformance(t *testing.T) { sinktest.Run(t, receiver) }

// script writes an executable shell script. A sh of the test writes it, so that
// no descriptor for writing is open in a process that forks: that would make
// starting it fail with "text file busy" at random.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	cmd := exec.Command("sh", "-c", `cat >"$0" && chmod 755 "$0"`, path)
	cmd.Stdin = strings.NewReader("#!/bin/sh\n" + text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
