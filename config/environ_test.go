package config_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions/httpsink"
	"sftpgo/config"
	"sftpgo/protocols/sshd"
)

func TestEnvironmentBeatsFile(t *testing.T) {
	cfg := load(t, `{"common": {"idle_timeout": 1, "upload_mode": 2, "actions": {"hook": "/bin/a", "execute_on": ["upload", "rename"]}}}`,
		"SFTPGO_COMMON__IDLE_TIMEOUT=5", "SFTPGO_COMMON__ACTIONS__EXECUTE_ON=download", "SFTPGO_COMMON__ACTIONS__HOOK=",
		"SFTPGO_DATA_PROVIDER__PASSWORD_HASHING__ARGON2_OPTIONS__ITERATIONS=3", "PATH=/bin", "SFTPGO_CONFIG_DIR=/nowhere")
	if cfg.Common.IdleTimeout != 5 || cfg.Common.UploadMode != 2 || cfg.Common.Actions.Hook != "" ||
		cfg.DataProvider.PasswordHashing.Argon2Options.Iterations != 3 {
		t.Errorf("%+v %+v", cfg.Common, cfg.DataProvider)
	}
	if diff := cmp.Diff([]string{"download"}, cfg.Common.Actions.ExecuteOn); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentInLists(t *testing.T) {
	tests := map[string]struct {
		file    string
		environ []string
		want    []sshd.Binding
	}{
		"field of the default":  {`{}`, []string{"SFTPGO_SFTPD__BINDINGS__0__PORT=40000"}, []sshd.Binding{sshBinding(40000, "")}},
		"field of the file":     {`{"sftpd": {"bindings": [{"port": 1}, {"port": 2}]}}`, []string{"SFTPGO_SFTPD__BINDINGS__1__ADDRESS=::1"}, []sshd.Binding{sshBinding(1, ""), sshBinding(2, "::1")}},
		"new element":           {`{}`, []string{"SFTPGO_SFTPD__BINDINGS__1__ADDRESS=::1"}, []sshd.Binding{sshBinding(2022, ""), sshBinding(2022, "::1")}},
		"first of an empty one": {`{"sftpd": {"bindings": []}}`, []string{"SFTPGO_SFTPD__BINDINGS__0__ADDRESS=::1"}, []sshd.Binding{sshBinding(2022, "::1")}},
		"two figures": {`{"sftpd": {"bindings": [{},{},{},{},{},{},{},{},{},{"port": 9}]}}`,
			[]string{"SFTPGO_SFTPD__BINDINGS__11__PORT=11", "SFTPGO_SFTPD__BINDINGS__10__PORT=10", "SFTPGO_SFTPD__BINDINGS__9__ADDRESS=x"},
			[]sshd.Binding{sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""), sshBinding(2022, ""),
				sshBinding(9, "x"), sshBinding(10, ""), sshBinding(11, "")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, load(t, tt.file, tt.environ...).SFTPD.Bindings); diff != "" {
				t.Error(diff)
			}
		})
	}
	cfg := load(t, `{"sftpd": {"host_keys": ["/a", "/b"]}}`, "SFTPGO_SFTPD__HOST_KEYS__1=/c", "SFTPGO_SFTPD__HOST_KEYS__2=/d",
		"SFTPGO_HTTP__CERTIFICATES__0__CERT=/cert", "SFTPGO_HTTP__CERTIFICATES__0__KEY=/key")
	if diff := cmp.Diff([]string{"/a", "/c", "/d"}, cfg.SFTPD.HostKeys); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]httpsink.KeyPair{{Cert: "/cert", Key: "/key"}}, cfg.HTTP.Certificates); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentFaults(t *testing.T) {
	want(t, faults(t, `{}`,
		"SFTPGO_COMMON__IDLE_TIMEOUT=soon",
		"SFTPGO_COMMON__IDLE_TIMEOUT__X=1",
		"SFTPGO_COMMON__UPLOAD_MODE=9",
		"SFTPGO_COMON__ACTIONS__HOOK=/x",
		"SFTPGO_COMON__UPLOAD_MODE=1",
		"SFTPGO_COMMON__DEFENDER__TRESHOLD=1",
		"SFTPGO_FTPD__=1",
		"SFTPGO_HTTPD__BINDINGS__0__ADRESS=",
		"SFTPGO_HTTPD__BINDINGS__0__PORT=8080",
		"SFTPGO_NOTHING__LIKE__IT=1",
		"SFTPGO_SFTPD__BINDINGS=2022",
		"SFTPGO_FTPD__BINDINGS__2__PORT=21",
		"SFTPGO_FTPD__BINDINGS__0__PORT=66000",
		"SFTPGO_FTPD__BINDINGS__ONE__PORT=21",
		"SFTPGO_FTPD__BINDINGS__01__PORT=21",
		"SFTPGO_SFTPD__PASSWORD_AUTHENTICATION=maybe",
	),
		`SFTPGO_COMMON__DEFENDER__TRESHOLD: unknown setting; did you mean SFTPGO_COMMON__DEFENDER__THRESHOLD?`,
		`SFTPGO_COMMON__IDLE_TIMEOUT__X: unknown setting; SFTPGO_COMMON__IDLE_TIMEOUT has no keys`,
		`SFTPGO_COMON__ACTIONS__HOOK: unknown setting; did you mean SFTPGO_COMMON__ACTIONS__HOOK?`,
		`SFTPGO_COMON__UPLOAD_MODE: unknown setting; did you mean SFTPGO_COMMON__UPLOAD_MODE?`,
		`SFTPGO_FTPD__: unknown setting`,
		`SFTPGO_FTPD__BINDINGS__2__PORT: element 2 without element 1; the next one is SFTPGO_FTPD__BINDINGS__1`,
		`SFTPGO_FTPD__BINDINGS__01__PORT: 01 is not an index; write SFTPGO_FTPD__BINDINGS__0`,
		`SFTPGO_FTPD__BINDINGS__ONE__PORT: ONE is not an index; write SFTPGO_FTPD__BINDINGS__0`,
		`SFTPGO_HTTPD__BINDINGS__0__ADRESS: unknown setting; did you mean SFTPGO_HTTPD__BINDINGS__0__ADDRESS?`,
		`SFTPGO_NOTHING__LIKE__IT: unknown setting`,
		`SFTPGO_SFTPD__BINDINGS: a list of sections has no value; set its elements, like SFTPGO_SFTPD__BINDINGS__0__ADDRESS`,
		`SFTPGO_SFTPD__PASSWORD_AUTHENTICATION: "maybe" is not true or false`,
		`common.upload_mode: 9 is not 0 (in place), 1 (atomic) or 2 (atomic, partial files kept) (from SFTPGO_COMMON__UPLOAD_MODE)`,
		`ftpd.bindings.0.port: 66000 is not a port (from SFTPGO_FTPD__BINDINGS__0__PORT)`,
	)
}

func TestEnvironmentWarnings(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, "empty.json", "{}")
	_, report, err := config.Load(dir, filepath.Join(empty, "empty.json"), []string{
		"SFTPGO_COMMON_IDLE_TIMEOUT=3", "SFTPGO_LOG_FILE_PATH=x", "SFTPGO_ACTION=upload",
		"SFTPGO_HTTPD__BINDINGS__0__PORT=8080", "SFTPGO_KMS__SECRETS__URL=", "SFTPGO_SFTPD__SETSTAT_MODE=a",
		"SFTPGO_COMMON__RATE_LIMITERS__0__AVERAGE=1", "SFTPGO_PLUGINS__0__TYPE=notifier",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"SFTPGO_COMMON_IDLE_TIMEOUT has no effect; did you mean SFTPGO_COMMON__IDLE_TIMEOUT?",
		"settings that are known but have no effect in this version: common.rate_limiters, httpd, kms, plugins, sftpd.setstat_mode",
	}, report.Warnings); diff != "" {
		t.Error(diff)
	}
}
