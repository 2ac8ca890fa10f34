package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/config"
	"sftpgo/protocols/sshd"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// write makes a configuration directory with one file and returns it.
func write(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T, text string, environ ...string) config.Config {
	t.Helper()
	cfg, _, err := config.Load(write(t, "sftpgo.json", text), "", environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// faults loads what must not load and returns the lines of the error.
func faults(t *testing.T, text string, environ ...string) []string {
	t.Helper()
	_, _, err := config.Load(write(t, "sftpgo.json", text), "", environ)
	if err == nil {
		t.Fatalf("loaded: %s %q", text, environ)
	}
	return strings.Split(err.Error(), "\n")
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	for i := range lines {
		lines[i] = "configuration: " + lines[i]
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Error(diff)
	}
}

func TestFileOfTheCurrentDirectory(t *testing.T) {
	t.Chdir(write(t, "sftpgo.json", `{}`))
	_, report, err := config.Load(t.TempDir(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(report.File) {
		t.Errorf("the file is told as %q", report.File)
	}
}

// absolute is Default as Load returns it.
func absolute(dir string) config.Config {
	cfg := config.Default()
	cfg.DataProvider.Name = filepath.Join(dir, cfg.DataProvider.Name)
	return cfg
}

func TestDefaultIsValid(t *testing.T) {
	if err := config.Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestGoldenFile(t *testing.T) {
	text, err := config.Default().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("null")) {
		t.Error("a list without a default is shown as null")
	}
	const shipped = "../sftpgo.json"
	if *update {
		if err := os.WriteFile(shipped, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(file)); diff != "" {
		t.Errorf("run go test ./config -update\n%s", diff)
	}
	dir := t.TempDir()
	path, err := filepath.Abs(shipped)
	if err != nil {
		t.Fatal(err)
	}
	got, report, err := config.Load(dir, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(absolute(dir), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Report{Dir: dir, File: path}, report); diff != "" {
		t.Error(diff)
	}
}

func TestGoldenFileOf2021(t *testing.T) {
	dir := t.TempDir()
	file, err := filepath.Abs("testdata/sftpgo-2021.json")
	if err != nil {
		t.Fatal(err)
	}
	got, report, err := config.Load(dir, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	expected := absolute(dir)
	expected.SFTPD.EnabledSSHCommands = []string{"md5sum", "sha1sum", "cd", "pwd", "scp"}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
	warnings := strings.Join(report.Warnings, "\n") + "\n"
	const golden = "testdata/sftpgo-2021.warning"
	if *update {
		if err := os.WriteFile(golden, []byte(warnings), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	line, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(line), warnings); diff != "" {
		t.Error(diff)
	}
	if n := len(report.Warnings); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
	for _, section := range []string{"httpd", "kms", "common.defender"} {
		if !strings.Contains(warnings, " "+section+",") && !strings.HasSuffix(warnings, " "+section+"\n") {
			t.Errorf("%s is not named by itself", section)
		}
	}
}

// sshBinding is a binding of SSH that is the default one in all else.
func sshBinding(port int, address string) sshd.Binding {
	b := config.Default().SFTPD.Bindings[0]
	b.Port, b.Address = port, address
	return b
}

func TestListsReplaceDefaults(t *testing.T) {
	cfg := load(t, `{"sftpd": {"bindings": [{"address": "::1"}, {"port": 2222}], "enabled_ssh_commands": []},
		"ftpd": {"bindings": []}, "common": {"actions": {"execute_on": "upload, download"}}}`)
	if diff := cmp.Diff([]sshd.Binding{sshBinding(2022, "::1"), sshBinding(2222, "")}, cfg.SFTPD.Bindings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{}, cfg.SFTPD.EnabledSSHCommands); diff != "" {
		t.Error(diff)
	}
	if len(cfg.FTPD.Bindings) != 0 {
		t.Errorf("ftpd.bindings: %v", cfg.FTPD.Bindings)
	}
	if diff := cmp.Diff([]string{"upload", "download"}, cfg.Common.Actions.ExecuteOn); diff != "" {
		t.Error(diff)
	}
}

func TestWeakTypes(t *testing.T) {
	cfg := load(t, "\ufeff"+`{"COMMON": {"Idle_Timeout": "7", "upload_mode": true},
		"sftpd": {"password_authentication": "0", "bindings": [{"port": "2222", "address": null}]}}`)
	if cfg.Common.IdleTimeout != 7 || cfg.Common.UploadMode != 1 || cfg.SFTPD.PasswordAuthentication {
		t.Errorf("%+v %+v", cfg.Common, cfg.SFTPD)
	}
	if diff := cmp.Diff([]sshd.Binding{sshBinding(2222, "")}, cfg.SFTPD.Bindings); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	got := faults(t, `{
		"comon": {},
		"idle_timeout": 3,
		"common": {"idle_timeout": -1, "upload_mode": 1.5, "defender": {"treshold": 3}, "setstat_mode": null},
		"sftpd": {"bindings": [{"port": 70000}, {"prot": 1}], "host_keys": [1, []], "password_authentication": "yes"},
		"webdavd": 5,
		"data_provider": {"driver": "oracle", "password_hashing": {"argon2_options": {"parallelism": 300}}},
		"httpd": {"bindings": [{"adress": ""}]}
	}`)
	want(t, got,
		`common.defender.treshold: unknown key; did you mean common.defender.threshold?`,
		`common.upload_mode: 1.5 is not a whole number`,
		`comon: unknown key; did you mean common?`,
		`data_provider.password_hashing.argon2_options.parallelism: 300 is not between 0 and 255`,
		`httpd.bindings.0.adress: unknown key; did you mean httpd.bindings.0.address?`,
		`idle_timeout: unknown key; did you mean common.idle_timeout?`,
		`sftpd.bindings.1.prot: unknown key; did you mean sftpd.bindings.1.port?`,
		`sftpd.host_keys: element 1: a list is not a text`,
		`sftpd.password_authentication: "yes" is not true or false`,
		`webdavd: 5 is not a section`,
		`common.idle_timeout: -1 is negative; use 0 for never`,
		`sftpd.bindings.0.port: 70000 is not a port`,
		`data_provider.driver: "oracle": use sqlite, postgresql or memory`,
	)
}

func TestKeysThatDifferInCase(t *testing.T) {
	want(t, faults(t, `{"common": {"idle_timeout": 1, "Idle_timeout": 2}}`), `common.idle_timeout: given twice`)
}

func TestPathsAreAbsolute(t *testing.T) {
	dir := write(t, "sftpgo.json", `{"sftpd": {"host_keys": ["id_rsa", "/etc/ssh/key"], "login_banner_file": "banner"},
		"http": {"ca_certificates": ["ca.pem"], "certificates": [{"cert": "c.pem", "key": "/k.pem"}]}}`)
	cfg, report, err := config.Load(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := append([]string{cfg.SFTPD.LoginBannerFile, cfg.HTTP.CACertificates[0], cfg.HTTP.Certificates[0].Cert,
		cfg.HTTP.Certificates[0].Key, cfg.FTPD.BannerFile, report.Resolve("x"), report.Resolve("/x")}, cfg.SFTPD.HostKeys...)
	in := func(name string) string { return filepath.Join(dir, name) }
	if diff := cmp.Diff([]string{in("banner"), in("ca.pem"), in("c.pem"), "/k.pem", "", in("x"), "/x", in("id_rsa"), "/etc/ssh/key"}, got); diff != "" {
		t.Error(diff)
	}
	want(t, faults(t, `{"ftpd": {"banner_file": ".."}}`), `ftpd.banner_file: ".." is not taken as a path here; write the whole path`)
}

func TestFormats(t *testing.T) {
	files := map[string]string{
		"sftpgo.json":       `{"common": {"idle_timeout": 3}, "sftpd": {"bindings": [{"port": 2222}, {"port": 2223}], "host_keys": ["/a", "/b"]}}`,
		"sftpgo.toml":       "[common]\nidle_timeout = 3\n[sftpd]\nhost_keys = ['/a', '/b']\n[[sftpd.bindings]]\nport = 2222\n[[sftpd.bindings]]\nport = 2223\n",
		"sftpgo.yaml":       "common:\n  idle_timeout: 3\nsftpd:\n  bindings:\n  - port: 2222\n  - port: 2223\n  host_keys: [/a, /b]\n",
		"sftpgo.yml":        "common: {idle_timeout: 3}\nsftpd: {bindings: [{port: 2222}, {port: 2223}], host_keys: '/a,/b'}\n",
		"sftpgo.properties": "common.idle_timeout = 3\nsftpd.bindings.0.port = 2222\nsftpd.bindings.1.port = 2223\nsftpd.host_keys = /a,/b\n",
		"sftpgo.props":      "common.idle_timeout: 3\nsftpd.bindings.0.port: 2222\nsftpd.bindings.1.port: 2223\nsftpd.host_keys: /a,/b\n",
		"sftpgo.prop":       "common.idle_timeout=3\nsftpd.bindings.0.port=2222\nsftpd.bindings.1.port=2223\nsftpd.host_keys.0=/a\nsftpd.host_keys.1=/b\n",
		"sftpgo.hcl":        "common {\n  idle_timeout = 3\n}\nsftpd {\n  host_keys = [\"/a\", \"/b\"]\n  bindings {\n    port = 2222\n  }\n  bindings {\n    port = 2223\n  }\n}\n",
		"sftpgo.env":        "SFTPGO_COMMON__IDLE_TIMEOUT=3\nSFTPGO_SFTPD__BINDINGS__0__PORT=2222\nSFTPGO_SFTPD__BINDINGS__1__PORT=2223\nSFTPGO_SFTPD__HOST_KEYS=/a,/b\n",
		"sftpgo.dotenv":     "common.idle_timeout=3\nsftpd.bindings.0.port=2222\nsftpd.bindings.1.port=2223\nsftpd.host_keys=/a,/b\n",
		"sftpgo.ini":        "common.idle_timeout = 3\n[sftpd]\nhost_keys = /a,/b\n[sftpd.bindings.0]\nport = 2222\n[sftpd.bindings.1]\nport = 2223\n",
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			dir := write(t, name, text)
			expected := absolute(dir)
			expected.Common.IdleTimeout = 3
			expected.SFTPD.Bindings = []sshd.Binding{sshBinding(2222, ""), sshBinding(2223, "")}
			expected.SFTPD.HostKeys = []string{"/a", "/b"}
			got, report, err := config.Load(dir, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Error(diff)
			}
			if report.File != filepath.Join(dir, name) {
				t.Errorf("read %s", report.File)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"sftpgo.json", "{\n  \"common\": {\n    \"idle_timeout\": 1,\n  }\n}", "line 4, column 3: "},
		{"sftpgo.json", "{\n  \"common\": {", "line 2, column 13: "},
		{"sftpgo.json", "", "line 1, column 1: "},
		{"sftpgo.json", "[1]", "the file must hold one object: {...}"},
		{"sftpgo.json", "{\"common\": {\"upload_mode\": 1,\n \"upload_mode\": 2}}", "line 2, column 14: \"upload_mode\" is given twice"},
		{"sftpgo.toml", "[common]\nidle_timeout = \n", "line 2, column "},
		{"sftpgo.yaml", "common:\n  idle_timeout: 1\n bad\n", "line 2: "},
		{"sftpgo.hcl", "common {\n  idle_timeout = = 1\n}\n", "line 2, column 18: "},
		{"sftpgo.ini", "[common]\nnonsense\n", "line 2, column 1: "},
		{"sftpgo.env", "A=b\nno sense\n", "line 2, column 1: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, tt.name, tt.text)
			_, _, err := config.Load(dir, "", nil)
			if err == nil {
				t.Fatal("loaded")
			}
			prefix := "configuration file " + filepath.Join(dir, tt.name) + ": "
			if text := err.Error(); !strings.HasPrefix(text, prefix) || !strings.Contains(text, tt.want) {
				t.Errorf("%s\nhas no %q", text, tt.want)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	inHome := filepath.Join(home, ".config", "sftpgo")
	if err := os.MkdirAll(inHome, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(path string, timeout int) {
		t.Helper()
		if err := os.WriteFile(path, fmt.Appendf(nil, "common:\n  idle_timeout: %d\n", timeout), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := func(file string) int {
		t.Helper()
		cfg, _, err := config.Load(dir, file, []string{"HOME=" + home})
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Common.IdleTimeout
	}
	if runtime.GOOS == "linux" {
		put(filepath.Join(inHome, "sftpgo.yml"), 1)
		if n := get(""); n != 1 {
			t.Errorf("not read from the home: %d", n)
		}
	}
	put(filepath.Join(dir, "sftpgo.yml"), 2)
	if n := get(""); n != 2 {
		t.Errorf("the configuration directory is not first: %d", n)
	}
	put(filepath.Join(dir, "sftpgo.yaml"), 3)
	if n := get(""); n != 3 {
		t.Errorf("yaml is not before yml: %d", n)
	}
	put(filepath.Join(dir, "other.yaml"), 4)
	if n := get("other.yaml"); n != 4 {
		t.Errorf("the named file is not read: %d", n)
	}
	if n := get(filepath.Join(inHome, "sftpgo.yml")); n != 1 {
		t.Errorf("the absolute name is not read: %d", n)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"missing.json": "no such file or directory",
		"sftpgo.conf":  "the name must end with one of .json .toml",
		"sftpgo":       "the name must end with one of .json .toml",
	} {
		if _, _, err := config.Load(dir, file, nil); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", file, err)
		}
	}
	loop := filepath.Join(dir, "sftpgo.json")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if _, _, err := config.Load(dir, "", nil); err == nil {
		t.Error("a file that cannot be opened is taken for none")
	}
}

// TestSyntaxErrorsKeepSecrets: what cannot be read may be a password; the position
// is enough to find it.
func TestSyntaxErrorsKeepSecrets(t *testing.T) {
	for ext, text := range map[string]string{
		"dotenv":     "SFTPGO_DATA_PROVIDER__PASSWORD \"s3cret\n",
		"env":        "A=1\n  s3cret\n",
		"ini":        "[data_provider]\npassword s3cret\n",
		"yaml":       "data_provider:\n  password: *s3cret\n",
		"yml":        "data_provider:\n  password: \"s3cret\n bad: [\n",
		"toml":       "[data_provider]\npassword = s3cret\n",
		"hcl":        "data_provider { password = s3cret }\n",
		"properties": "data_provider.password=${s3cret\n",
		"json":       `{"data_provider": {"password": s3cret}}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sftpgo."+ext), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := config.Load(dir, "sftpgo."+ext, nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", ext, err)
		} else {
			t.Logf("%s: %v", ext, err)
		}
	}
}
