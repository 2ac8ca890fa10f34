package dataprovider_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

const dump2021 = `{
  "users": [
    {"id": 7, "status": 1, "username": "alice", "expiration_date": 0, "password": "$2a$10$hash",
     "home_dir": "/srv/alice", "permissions": {"/": ["*"]}, "used_quota_size": 123, "last_login": 99,
     "filters": {"allowed_ip": ["192.0.2.0/24"]},
     "filesystem": {"provider": 0, "s3config": {}, "gcsconfig": {}, "azblobconfig": {}, "cryptconfig": {}, "sftpconfig": {}}},
    {"username": "bob", "uid": 1000}
  ],
  "folders": [{"id": 1, "name": "f"}, {"id": 2, "name": "g"}],
  "admins": [{"id": 1, "username": "admin"}],
  "version": 7
}`

func readDump(t *testing.T, text string) dataprovider.Dump {
	t.Helper()
	d, err := dataprovider.ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadDump(t *testing.T) {
	d := readDump(t, "\ufeff"+dump2021)
	if d.Version != 7 || len(d.Users) != 2 || len(d.Broken) != 0 || len(d.Ignored) != 0 {
		t.Errorf("%+v", d)
	}
	alice := d.Users[0]
	if alice.Username != "alice" || alice.Password != "$2a$10$hash" || alice.Filters.AllowedIP[0] != "192.0.2.0/24" {
		t.Errorf("%+v", alice)
	}
	if d := cmp.Diff(map[string]int{"folders": 2, "admins": 1}, d.Skipped); d != "" {
		t.Error("skipped (-want +got):\n" + d)
	}
}

func TestReadDumpLater(t *testing.T) {
	d := readDump(t, `{"users": [{
		"username": "carol", "created_at": 0, "email": "c@example.com", "groups": [{"name": "g", "type": 1}], "role": "",
		"filters": {"two_factor_protocols": ["SSH"], "totp_config": {"secret": {}}, "hooks": {"external_auth_disabled": false}},
		"filesystem": {"provider": 0, "osconfig": {"read_buffer_size": 0}, "s3config": {"role_arn": "arn"}}
	}], "groups": [{}], "event_rules": [], "version": 16}`)
	want := []string{"email", "filesystem.s3config.role_arn", "filters.two_factor_protocols", "groups"}
	if d := cmp.Diff(want, d.Ignored); d != "" {
		t.Error("ignored (-want +got):\n" + d)
	}
	if len(d.Users) != 1 || d.Skipped["groups"] != 1 || len(d.Skipped) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestReadDumpBrokenUser(t *testing.T) {
	d := readDump(t, `{"users": [
		{"username": "a", "uid": "zero", "password": "secret"},
		{"username": "b"},
		{"uid": 1.5},
		null,
		["c"],
		{"username": "d", "filters": {"max_upload_file_size": {}}}
	]}`)
	if len(d.Users) != 1 || d.Users[0].Username != "b" {
		t.Errorf("users: %+v", d.Users)
	}
	var got []string
	for _, b := range d.Broken {
		if !errors.Is(b.Err, dataprovider.ErrInvalid) {
			t.Errorf("%s: %v is not ErrInvalid", b.Name, b.Err)
		}
		got = append(got, b.Name+": "+b.Err.Error())
	}
	want := []string{
		"a: validation error: uid: a value of the wrong type (string)",
		"users[2]: validation error: uid: a value of the wrong type (number)",
		"users[3]: validation error: not an object",
		"users[4]: validation error: not an object",
		"d: validation error: filters.max_upload_file_size: a value of the wrong type (object)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error("broken (-want +got):\n" + d)
	}
}

func TestReadDumpFaults(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "1:1: unexpected end of JSON input"},
		{"comma", "{\n  \"users\": [\n    {},\n  ]\n}", "4:3: invalid character ']'"},
		{"unicode", "{\"é\": ü}", "1:7: invalid character"},
		{"cut", "{\n\"users\": [{\"username\": \"al", "2:27: unexpected end of JSON input"},
		{"trailing", "{}\n{}", "2:1: invalid character '{' after top-level value"},
		{"list", "[]", "1:1: not an object"},
		{"null", "null", "1:1: null is not a dump"},
		{"users", `{"users": {}}`, "users: not a list"},
		{"version", `{"version": "7"}`, "version: not a whole number"},
		{"large", `{"users": [` + strings.Repeat(" ", dataprovider.MaxDumpSize) + `]}`, "larger than 10 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dataprovider.ReadDump(strings.NewReader(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	just := `{"users": [` + strings.Repeat(" ", dataprovider.MaxDumpSize-len(`{"users": []}`)) + `]}`
	if _, err := dataprovider.ReadDump(strings.NewReader(just)); err != nil {
		t.Errorf("exactly 10 MiB: %v", err)
	}
	if _, err := dataprovider.ReadDump(io.MultiReader(strings.NewReader("{"), broken{})); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read error: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, os.ErrClosed }

func TestReadDumpFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dump.json")
	if _, err := dataprovider.ReadDumpFile(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("missing: %v", err)
	}
	if _, err := dataprovider.ReadDumpFile(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("directory: %v", err)
	}
	for text, want := range map[string]string{"{\n,": "dump " + path + ": 2:1: invalid character ','", dump2021: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dataprovider.ReadDumpFile(path)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
