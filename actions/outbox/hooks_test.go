package outbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/outbox"
)

// transports are those that the server uses.
func transports(t *testing.T) outbox.Transports {
	t.Helper()
	client, err := httpsink.NewClient(httpsink.DefaultConfig(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return outbox.Transports{
		Program: func(path string) (outbox.Receiver, error) {
			return execsink.New(path, format.SFTPGo{}, execsink.DefaultConfig())
		},
		Endpoint: func(url string) (outbox.Receiver, error) {
			return httpsink.New(client, url, format.SFTPGo{}, httpsink.Options{})
		},
	}
}

func TestNewHooks(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	const url = "https://u:seeded@hooks.example/x?token=seeded"
	for _, c := range []struct {
		name    string
		section actions.Config
		summary string
		err     string
		log     string
		targets int
		gates   int
	}{
		{"off", actions.Config{}, "", "", "", 0, 0},
		{"URL", actions.Config{ExecuteOn: []string{"upload", "pre-delete"}, Hook: url}, "POST https://hooks.example/x for upload, pre-delete", "", "", 1, 1},
		{"program", actions.Config{ExecuteOn: []string{"upload"}, Hook: program}, "program " + program + " for upload", "", "", 1, 0},
		{"questions only", actions.Config{ExecuteOn: []string{"pre-delete"}, Hook: program}, "program " + program + " for pre-delete", "", "", 0, 1},
		{"no hook", actions.Config{ExecuteOn: []string{"upload"}}, "", "", "common.actions.hook is empty", 0, 0},
		{"no events", actions.Config{Hook: program}, "", "", "common.actions.execute_on is empty", 0, 0},
		{"unknown event", actions.Config{ExecuteOn: []string{"uplaod"}, Hook: program}, "", `did you mean "upload"?`, "", 0, 0},
		{"relative", actions.Config{ExecuteOn: []string{"upload"}, Hook: "hook.sh"}, "", "neither an absolute path", "", 0, 0},
		{"missing", actions.Config{ExecuteOn: []string{"upload"}, Hook: plain + ".sh"}, "", "common.actions: hook \"" + plain + ".sh\" does not exist", "", 0, 0},
		{"not executable", actions.Config{ExecuteOn: []string{"upload"}, Hook: plain}, "", "is not executable", "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := new(logs)
			hooks, err := outbox.NewHooks(c.section, nil, transports(t), outbox.DefaultConfig(), log.logger())
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n")):
				t.Fatalf("err = %v, want one line with %q", err, c.err)
			}
			if got := strings.Join(hooks.Summary, "; "); got != c.summary {
				t.Errorf("summary = %q, want %q", got, c.summary)
			}
			if len(hooks.Targets) != c.targets || len(hooks.Gates) != c.gates {
				t.Errorf("%d targets and %d gates, want %d and %d", len(hooks.Targets), len(hooks.Gates), c.targets, c.gates)
			}
			if (log.String() == "") != (c.log == "") || !strings.Contains(log.String(), c.log) {
				t.Errorf("log has no %q: %s", c.log, log)
			}
			if c.log != "" && !strings.Contains(log.String(), "level=WARN") {
				t.Errorf("no warning: %s", log)
			}
			if err := hooks.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHookWorkersAndKinds(t *testing.T) {
	cfg := outbox.DefaultConfig()
	section := actions.Config{ExecuteOn: []string{"upload", "pre-delete"}, Hook: "http://127.0.0.1:1/"}
	hooks, err := outbox.NewHooks(section, nil, transports(t), cfg, new(logs).logger())
	if err != nil {
		t.Fatal(err)
	}
	tgt := hooks.Targets[0]
	if tgt.Workers != cfg.EndpointWorkers || tgt.Name != outbox.ActionsTarget {
		t.Errorf("target %q has %d workers", tgt.Name, tgt.Workers)
	}
	if d := cmp.Diff([]actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart}, tgt.Kinds); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]actions.Kind{actions.DeleteCheck}, hooks.Gates[0].Kinds); d != "" {
		t.Error(d)
	}
}
