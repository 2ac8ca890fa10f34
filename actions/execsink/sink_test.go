//go:build unix

package execsink_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/sinktest"
)

// short makes programs end soon.
func short() execsink.Config {
	return execsink.Config{Timeout: time.Second, Grace: 300 * time.Millisecond, MaxRunning: 4}
}

func deliver(t *testing.T, s *execsink.Sink) error {
	t.Helper()
	return s.Deliver(t.Context(), sinktest.Event("01A", "/srv/data/alice/a.csv"))
}

func TestStatusIsRejection(t *testing.T) {
	s := newSink(t, script(t, "echo to stdout; echo to stderr >&2; exit 3\n"), sinktest.Format{}, execsink.DefaultConfig())
	err := deliver(t, s)
	var out *actions.OutputError
	if !errors.Is(err, actions.ErrRejected) || !errors.As(err, &out) {
		t.Fatalf("err = %v, want actions.ErrRejected with output", err)
	}
	if d := cmp.Diff("to stdout\nto stderr\n", out.Output); d != "" {
		t.Error(d)
	}
	if !strings.Contains(err.Error(), "exit status 3") || strings.Contains(err.Error(), "to stderr") {
		t.Errorf("err = %q", err)
	}
}

func TestSignalIsNoRejection(t *testing.T) {
	s := newSink(t, script(t, "kill -9 $$\n"), sinktest.Format{}, execsink.DefaultConfig())
	if err := deliver(t, s); err == nil || errors.Is(err, actions.ErrRejected) {
		t.Errorf("err = %v: a program that was killed has not answered", err)
	}
}

func TestOutputIsCapped(t *testing.T) {
	s := newSink(t, script(t, "yes | head -c 1000000; echo; echo the end; exit 1\n"), sinktest.Format{}, execsink.DefaultConfig())
	var out *actions.OutputError
	if err := deliver(t, s); !errors.As(err, &out) {
		t.Fatal(err)
	}
	if len(out.Output) != 4<<10 || !strings.HasSuffix(out.Output, "the end\n") {
		t.Errorf("%d bytes, ending in %q", len(out.Output), out.Output[len(out.Output)-20:])
	}
}

func TestStandardInputIsEmpty(t *testing.T) {
	s := newSink(t, script(t, `[ -z "$(cat)" ]`), sinktest.Format{}, execsink.DefaultConfig())
	if err := deliver(t, s); err != nil {
		t.Error(err)
	}
}

// A program that obeys SIGTERM, one that does not, and one whose child does not.
func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	for name, text := range map[string]string{
		"obeys":               `sleep 60 & echo $! >"$3"; wait`,
		"ignores SIGTERM":     `trap '' TERM; sleep 60 & echo $! >"$3"; while :; do sleep 1; done`,
		"child ignores it":    `sh -c 'trap "" TERM; echo $$ >"$0"; while :; do sleep 1; done' "$3" & wait`,
		"orphan of the child": `(sh -c 'trap "" TERM; echo $$ >"$0"; while :; do sleep 1; done' "$3" &) ; sleep 60`,
	} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			s := newSink(t, script(t, text), sinktest.Format{}, short())
			start := time.Now()
			err := s.Deliver(t.Context(), sinktest.Event("01A", pidFile))
			if err == nil || !strings.Contains(err.Error(), "killed at the time limit of 1s") {
				t.Errorf("err = %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			gone(t, pidFile)
		})
	}
}

// An orphan in a group of its own is out of reach, but its hold on the pipe must
// not hold the worker.
func TestEscapedOrphanDelaysNothing(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	s := newSink(t, script(t, `setsid sh -c 'echo $$ >"$0"; exec sleep 20' "$3" & sleep 60`), sinktest.Format{}, short())
	start := time.Now()
	if err := s.Deliver(t.Context(), sinktest.Event("01A", pidFile)); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	_ = syscall.Kill(pid(t, pidFile), syscall.SIGKILL)
}

// A hook that starts a job in the background and ends is a success at once, and
// the job can go on writing.
func TestBackgroundJobLives(t *testing.T) {
	dir := t.TempDir()
	s := newSink(t, script(t, `(sleep 2; yes | head -c 200000; echo ok >"$3") &`), sinktest.Format{}, execsink.DefaultConfig())
	if err := s.Deliver(t.Context(), sinktest.Event("01A", filepath.Join(dir, "done"))); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
		t.Error("waited for a job in the background")
	}
	for range 1000 {
		if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the job did not end: was it killed by SIGPIPE?")
}

func TestRunningIsCapped(t *testing.T) {
	cfg := execsink.DefaultConfig()
	cfg.MaxRunning = 1
	s := newSink(t, script(t, `echo $$ >"$3"; sleep 60`), sinktest.Format{}, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	running := filepath.Join(t.TempDir(), "pid")
	go func() { first <- s.Deliver(ctx, sinktest.Event("01A", running)) }()
	for _, err := os.Stat(running); err != nil; _, err = os.Stat(running) {
		time.Sleep(10 * time.Millisecond)
	}
	waiting, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	err := s.Deliver(waiting, sinktest.Event("01B", "/b"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "too many are running") {
		t.Errorf("err = %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

// A program that goes away or loses its permission after the start is a failed
// attempt that is worth another.
func TestCannotStart(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone":           os.Remove,
		"not executable": func(path string) error { return os.Chmod(path, 0o644) },
		"being written": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				t.Cleanup(func() { f.Close() })
			}
			return err
		},
		"no interpreter": func(path string) error { return os.WriteFile(path, []byte("exit 0\n"), 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "being written" && runtime.GOOS != "linux" {
				t.Skip("only Linux refuses to run what is being written")
			}
			path := script(t, "exit 0\n")
			s := newSink(t, path, sinktest.Format{}, execsink.DefaultConfig())
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if err := deliver(t, s); err == nil || errors.Is(err, actions.ErrRejected) {
				t.Errorf("err = %v", err)
			}
			if a, err := s.Ask(t.Context(), sinktest.Event("01A", "/a")); a.Accepted || err == nil {
				t.Errorf("Ask = %+v, %v", a, err)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	kept := []string{
		"PATH=/bin", "HOME=/root", "EMPTY=", "AWS_SECRET_ACCESS_KEY=theirs", "VAULT_TOKEN=theirs", "odd",
		"SFTPGO_CONFIG_DIR=/etc/sftpgo", "SFTPGO_LOG_FILE_PATH=", "SFTPGO_DATA_PROVIDER__USERNAME=u",
		"SFTPGO_COMMON__ACTIONS__HOOK=http://h/x@y", "NOT_SFTPGO_PASSWORD=theirs", "RUSTUS_DATA_DIR=data",
	}
	dropped := []string{
		"RUSTUS_HOOKS_NATS_TOKEN=x", "RUSTUS_HOOKS_AMQP_URL=amqp://guest:guest@localhost:5672",
		"SFTPGO_DATA_PROVIDER__PASSWORD=x", "SFTPGO_DATA_PROVIDER__CONNECTION_STRING=x", "SFTPGO_KMS__SECRETS__URL=x",
		"SFTPGO_KMS__SECRETS__MASTER_KEY_PATH=x", "SFTPGO_S3_ACCESS_SECRET=x", "SFTPGO_SFTPFS_PRIVATE_KEY=x",
		"SFTPGO_CRYPT_PASSPHRASE=x", "SFTPGO_API_TOKEN=x", "SFTPGO_GCS_CREDENTIALS=x", "sftpgo_data_provider__password=x",
		"SFTPGO_COMMON__ACTIONS__HOOK=https://u:p@h/x", "SFTPGO_HOOKS__0__NATS__URLS=nats://h1,nats://u:p@h2:4222",
		"RUSTUS_HOOKS_HTTP_URLS=https://h/x,https://u:p@h2/y", "SFTPGO_HOOKS__0__TARGET=amqp://u:p,w@h/v", "SFTPGO_DATA_PROVIDER__POST_LOGIN_HOOK=https://h/x?token=1",
	}
	got := execsink.Environment(append(append([]string(nil), dropped...), kept...))
	if d := cmp.Diff(kept, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What the program really has: the environment of the server, without its
// secrets, and the event's values where a name is in both.
func TestInheritance(t *testing.T) {
	t.Setenv("INHERITED", "yes")
	t.Setenv("SFTPGO_DATA_PROVIDER__PASSWORD", "seeded")
	t.Setenv(sinktest.EnvPrefix+"PATH", "stale")
	text := `[ "$INHERITED" = yes ] && [ "$SINKTEST_PATH" = /srv/data/alice/a.csv ] && ! env | grep seeded`
	if err := deliver(t, newSink(t, script(t, text), sinktest.Format{}, execsink.DefaultConfig())); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	good := script(t, "exit 0\n")
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{good, ""},
		{link, ""},
		{"bin/hook", "is not an absolute path"},
		{"", "is not an absolute path"},
		{filepath.Join(dir, "missing"), "does not exist"},
		{filepath.Join(plain, "x"), "not a directory"},
		{dir, "is a directory, not a program"},
		{os.DevNull, "is not a regular file"},
		{plain, "is not executable (chmod +x it)"},
	} {
		err := execsink.Check(c.path)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.path, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: err = %v, want one line with %q", c.path, err, c.want)
		}
		if _, err := execsink.New(c.path, sinktest.Format{}, execsink.DefaultConfig()); (err == nil) != (c.want == "") {
			t.Errorf("New(%q): %v", c.path, err)
		}
	}
}

// pid reads the number that a script has written.
func pid(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// gone waits for the process to vanish; a zombie that nobody reaps counts.
func gone(t *testing.T, pidFile string) {
	t.Helper()
	n := pid(t, pidFile)
	for range 200 {
		if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) || zombie(n) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(n, syscall.SIGKILL)
	t.Errorf("process %d is still there", n)
}

func zombie(n int) bool {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(n), "stat"))
	return err == nil && strings.Contains(string(data), ") Z ")
}
