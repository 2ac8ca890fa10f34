package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/docs"
)

// command runs one command line in the process.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestVersion(t *testing.T) {
	b := build{version: "1.2.3", features: []feature{{"sqlite", true}, {"s3", false}}}
	if got := b.String(); got != "SFTPGo 1.2.3 +sqlite -s3" {
		t.Error(got)
	}
	b.commit, b.date = "abcdef01", "2026-01-02T03:04:05Z"
	if got := b.String(); got != "SFTPGo 1.2.3-abcdef01-2026-01-02T03:04:05Z +sqlite -s3" {
		t.Error(got)
	}
	b.version = "v1.2.3-4-gabcdef01" // of git describe
	if got := b.String(); got != "SFTPGo v1.2.3-4-gabcdef01-2026-01-02T03:04:05Z +sqlite -s3" {
		t.Error(got)
	}
	for _, flag := range []string{"-v", "--version"} {
		if status, out, _ := command(t, flag); status != 0 || out != thisBuild().String()+"\n" {
			t.Errorf("%s: %d %q", flag, status, out)
		}
	}
}

func TestFaultsOfTheCommandLine(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"nothing", "sftpgo: unknown command \"nothing\" for \"sftpgo\"; see sftpgo --help\n"},
		{"usr list", "sftpgo: unknown command \"usr\" for \"sftpgo\"; did you mean user?\n"},
		{"events retri 1", "sftpgo: unknown command \"retri\" for \"sftpgo events\"; did you mean retry?\n"},
		{"initprovider --what", "sftpgo: unknown flag: --what; see sftpgo initprovider --help\n"},
		{"initprovider x", "sftpgo: \"x\" is too much: sftpgo initprovider [flags]\n"},
		{"gen completion tcsh", "sftpgo: invalid argument \"tcsh\" for \"sftpgo gen completion\"\n"},
		{"initprovider --config-file missing.json -c /nowhere", "sftpgo: configuration file: open /nowhere/missing.json: no such file or directory\n"},
	} {
		status, out, errs := command(t, strings.Fields(tt.args)...)
		if status != 1 || out != "" || errs != tt.want {
			t.Errorf("%s: %d %q %q", tt.args, status, out, errs)
		}
	}
}

func TestEachFaultHasALine(t *testing.T) {
	t.Setenv("SFTPGO_COMMON__UPLOAD_MODE", "9")
	t.Setenv("SFTPGO_COMMON__IDLE_TIMEOUT", "soon")
	status, _, errs := command(t, "initprovider", "-c", t.TempDir())
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if status != 1 || len(lines) != 2 || !strings.HasPrefix(lines[0], "sftpgo: configuration: SFTPGO_COMMON__IDLE_TIMEOUT: ") ||
		!strings.HasPrefix(lines[1], "sftpgo: configuration: common.upload_mode: ") {
		t.Errorf("%d %s", status, errs)
	}
}

func TestFlagsFromEnvironment(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{dir, other} {
		if err := os.WriteFile(filepath.Join(dir, "my.yaml"), []byte("data_provider: {name: my.db}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SFTPGO_CONFIG_DIR", dir)
	t.Setenv("SFTPGO_CONFIG_FILE", "my.yaml")
	if status, out, errs := command(t, "initprovider"); status != 0 || out != "data store "+filepath.Join(dir, "my.db")+" is ready\n" {
		t.Errorf("%d %s %s", status, out, errs)
	}
	if status, out, errs := command(t, "initprovider", "-c", other); status != 0 || out != "data store "+filepath.Join(other, "my.db")+" is ready\n" {
		t.Errorf("the flag does not beat the variable: %d %s %s", status, out, errs)
	}
	if status, out, errs := command(t, "initprovider"); status != 0 || out != "data store "+filepath.Join(dir, "my.db")+" is up to date\n" {
		t.Errorf("%d %s %s", status, out, errs)
	}
	if status, out, errs := command(t, "user", "list"); status != 0 {
		t.Errorf("the store is not found by the user commands: %d %s %s", status, out, errs)
	}
}

func TestBadVariableOfAFlag(t *testing.T) {
	t.Setenv("SFTPGO_LOG_MAX_SIZE", "ten")
	t.Setenv("SFTPGO_LOG_VERBOSE", "false")
	t.Setenv("SFTPGO_LOG_FILE_PATH", "")
	cmd := newInitProviderCommand()
	var flags logFlags
	flags.register(cmd.Flags())
	err := setFromEnvironment(cmd)
	if err == nil || err.Error() != `SFTPGO_LOG_MAX_SIZE: "ten" is not a value for --log-max-size` {
		t.Error(err)
	}
	if flags.verbose || flags.path != "" || flags.maxBackups != 5 {
		t.Errorf("%+v", flags)
	}
}

func TestInitProvider(t *testing.T) {
	t.Setenv("SFTPGO_DATA_PROVIDER__UPDATE_MODE", "1")
	dir := t.TempDir()
	if status, _, errs := command(t, "user", "list", "-c", dir); status != 1 || !strings.Contains(errs, "initprovider") {
		t.Errorf("update_mode 1 creates a store: %d %s", status, errs)
	}
	if status, out, errs := command(t, "initprovider", "-c", dir); status != 0 || !strings.HasSuffix(out, "is ready\n") {
		t.Errorf("%d %s %s", status, out, errs)
	}
	if status, _, errs := command(t, "user", "list", "-c", dir); status != 0 {
		t.Errorf("%d %s", status, errs)
	}
	name := filepath.Join(dir, "sftpgo.db")
	if err := os.WriteFile(name, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := command(t, "initprovider", "-c", dir); status != 1 || !strings.Contains(errs, name) || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d %s", status, errs)
	}
	t.Setenv("SFTPGO_DATA_PROVIDER__DRIVER", "memory")
	if status, out, _ := command(t, "initprovider", "-c", dir); status != 0 || !strings.Contains(out, "nothing to create") {
		t.Errorf("%d %s", status, out)
	}
}

func TestInitProviderWarns(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sftpgo.json"), []byte(`{"httpd": {"backups_path": "x"}, "kms": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, errs := command(t, "initprovider", "-c", dir)
	if status != 0 || errs != "sftpgo: warning: settings that are known but have no effect in this version: httpd, kms\n" {
		t.Errorf("%d %s", status, errs)
	}
}

func TestGen(t *testing.T) {
	shipped, err := os.ReadFile("../../sftpgo.json")
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := command(t, "gen", "config")
	if diff := cmp.Diff(string(shipped), out); diff != "" {
		t.Error(diff)
	}
	if _, out, _ := command(t, "gen", "config-reference"); out != docs.Configuration {
		t.Error("gen config-reference is not docs/configuration.md")
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if status, out, _ := command(t, "gen", "completion", shell); status != 0 || !strings.Contains(out, "sftpgo") {
			t.Errorf("%s: %d, %d bytes", shell, status, len(out))
		}
	}
	dir := filepath.Join(t.TempDir(), "man")
	if status, _, errs := command(t, "gen", "man", "-d", dir); status != 0 {
		t.Fatal(errs)
	}
	for _, page := range []string{"sftpgo.1", "sftpgo-initprovider.1", "sftpgo-user-add.1"} {
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil || !bytes.Contains(text, []byte(".SH NAME")) {
			t.Errorf("%s: %v", page, err)
		}
	}
}
