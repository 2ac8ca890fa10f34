package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func TestUserAddDefaults(t *testing.T) {
	r := newUserRig(t)
	out := r.must("s3cret\nrest\n", "add", "alice", "--password-stdin")
	if want := "added alice, home /srv/homes/alice\n"; out != want {
		t.Errorf("output %q, want %q", out, want)
	}
	r.wantPassword("alice", "s3cret")
	got := r.stored("alice")
	got.Password, got.ID = "", 0
	want := dataprovider.User{Status: 1, Username: "alice", HomeDir: "/srv/homes/alice", Permissions: map[string][]string{"/": {"*"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUserAddEverything(t *testing.T) {
	r := newUserRig(t)
	line, public, _ := newKeyPair(t)
	other, _, _ := newKeyPair(t)
	r.must("", "add", "-u", "bob", "--public-key", public, "--public-key", other, "--home", "/srv/bob/",
		"--permissions", "/=list,download", "--permissions", "/in=*", "--permissions", "/a=b=",
		"--quota-size", "10GiB", "--quota-files", "5", "--max-sessions", "3", "--upload-bandwidth", "100", "--download-bandwidth", "200",
		"--expires", "2030-01-02T03:04:05Z", "--status", "enabled", "--uid", "1000", "--gid", "1001",
		"--denied-protocols", "FTP,DAV", "--denied-login-methods", "password", "--allowed-ip", "192.0.2.0/24", "--allowed-ip", "2001:db8::/32", "--denied-ip", "192.0.2.7/32",
		"--max-upload-file-size", "1MB", "--description", "Bob, the builder")
	got := r.stored("bob")
	got.ID = 0
	want := dataprovider.User{
		Status: 1, Username: "bob", HomeDir: "/srv/bob", PublicKeys: []string{line, other},
		Permissions: map[string][]string{"/": {"list", "download"}, "/in": {"*"}, "/a=b": {}},
		QuotaSize:   10 << 30, QuotaFiles: 5, MaxSessions: 3, UploadBandwidth: 100, DownloadBandwidth: 200,
		ExpirationDate: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli(), UID: 1000, GID: 1001,
		Filters: dataprovider.UserFilters{
			DeniedProtocols: []string{"FTP", "DAV"}, DeniedLoginMethods: []string{"password"}, AllowedIP: []string{"192.0.2.0/24", "2001:db8::/32"},
			DeniedIP: []string{"192.0.2.7/32"}, MaxUploadFileSize: 1e6,
		},
		Description: "Bob, the builder",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUserAddGeneratesPassword(t *testing.T) {
	r := newUserRig(t)
	seen := map[string]bool{}
	for _, name := range []string{"a", "b"} {
		out := r.must("", "add", name, "--generate-password")
		_, plain, _ := strings.Cut(strings.TrimSpace(out), "password: ")
		if len(plain) != 20 || seen[plain] {
			t.Errorf("generated %q", plain)
		}
		seen[plain] = true
		r.wantPassword(name, plain)
	}
	var shown dataprovider.User
	if err := json.Unmarshal([]byte(r.must("", "add", "c", "--generate-password", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	r.wantPassword("c", shown.Password)
}

func TestUserAddFromJSON(t *testing.T) {
	r := newUserRig(t)
	const record = `{"username":"alice","status":1,"password":"s3cret","home_dir":"/srv/data/alice",
		"permissions":{"/":["list","download"],"/in":["*"],"/in/locked":[]},
		"filters":{"file_patterns":[{"path":"/in","denied_patterns":["*.EXE"]}]}}`
	file := filepath.Join(t.TempDir(), "alice.json")
	if err := os.WriteFile(file, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	r.must("", "add", "--from-json", file, "--max-sessions", "2")
	r.wantPassword("alice", "s3cret")
	u := r.stored("alice")
	if u.MaxSessions != 2 || u.HomeDir != "/srv/data/alice" || u.Filters.FilePatterns[0].DeniedPatterns[0] != "*.exe" {
		t.Errorf("stored %+v", u)
	}
	// What show prints can be read back, with a password.
	shown := r.must("", "show", "alice", "--json")
	r.must("", "delete", "alice")
	r.fails("no password: use", shown, "add", "--from-json", "-")
	r.must(shown, "add", "--from-json", "-", "--generate-password")

	_, stderr, err := r.run(`{"username":"off","password":"x","permissions":{"/":["*"]}}`, "add", "--from-json", "-")
	if err != nil || !strings.Contains(stderr, "off has status 0 and cannot log in") {
		t.Errorf("a record without status: %q, %v", stderr, err)
	}
}

func TestUserAddRefuses(t *testing.T) {
	r := newUserRig(t)
	line, _, private := newKeyPair(t)
	r.must("x\n", "add", "taken", "--password-stdin")
	if err := r.fails("already exists", "x\n", "add", "taken", "--password-stdin"); !errors.Is(err, dataprovider.ErrExists) {
		t.Errorf("%v is not ErrExists", err)
	}
	if err := r.fails(`username: "a/b"`, "x\n", "add", "a/b", "--password-stdin", "--quota-files", "-1"); !errors.Is(err, dataprovider.ErrInvalid) ||
		!strings.Contains(err.Error(), "quota_files: -1") {
		t.Errorf("%v does not name all faults", err)
	}
	r.fails("the name of the account is missing", "x\n", "add", "--password-stdin")
	r.fails("two names", "x\n", "add", "a", "-u", "b", "--password-stdin")
	r.fails("no password: use --password-stdin", "", "add", "a")
	r.fails("is empty", "\n", "add", "a", "--password-stdin")
	r.fails("hash scheme $y$ is unknown", "$y$j9T$x$y\n", "add", "a", "--password-stdin")
	r.fails("is a private key", "", "add", "a", "--public-key", private)
	r.fails("neither a public key nor a file", "", "add", "a", "--public-key", "nonsense")
	r.fails("cannot be both", "{}", "add", "a", "--from-json", "-", "--password-stdin")
	r.fails(`usernam: unknown key; did you mean "username"?`, `{"usernam":"a"}`, "add", "--from-json", "-")
	r.fails("no such file", "", "add", "a", "--from-json", filepath.Join(t.TempDir(), "none"))
	r.fails("--quota-size: ", "", "add", "a", "--public-key", line, "--quota-size", "ten")
	r.fails("--expires: ", "", "add", "a", "--public-key", line, "--expires", "tomorrow")
	r.fails("--status: ", "", "add", "a", "--public-key", line, "--status", "on")
	r.fails("--permissions: ", "", "add", "a", "--public-key", line, "--permissions", "list")
	r.fails("given twice", "", "add", "a", "--public-key", line, "--permissions", "/=list", "--permissions", "/=*")
	r.fails(`permissions["/"][0]: "read" is unknown`, "", "add", "a", "--public-key", line, "--permissions", "/=read")
	if out := r.must("", "list", "--json"); strings.Count(out, `"username"`) != 1 {
		t.Errorf("something was added: %s", out)
	}
}

func TestUserUpdate(t *testing.T) {
	r := newUserRig(t)
	r.must("s3cret\n", "add", "alice", "--password-stdin", "--quota-size", "1K", "--denied-ip", "192.0.2.0/24", "--permissions", "/=list", "--permissions", "/in=*")
	before := r.stored("alice")
	if out := r.must("", "update", "alice", "--max-sessions", "4", "--status", "0", "--expires", "2030-01-02"); out != "updated alice\n" {
		t.Errorf("output %q", out)
	}
	want := before
	want.MaxSessions, want.Status = 4, 0
	want.ExpirationDate = time.Date(2030, 1, 3, 0, 0, 0, 0, time.Local).UnixMilli()
	if diff := cmp.Diff(want, r.stored("alice")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.must("", "update", "alice", "--denied-ip", "", "--permissions", "/=*", "--expires", "never", "--quota-size", "0")
	want.Filters.DeniedIP, want.Permissions, want.ExpirationDate, want.QuotaSize = nil, map[string][]string{"/": {"*"}}, 0, 0
	if diff := cmp.Diff(want, r.stored("alice")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.must(`{"filters":{"denied_protocols":["FTP"]},"status":1,"id":99}`, "update", "alice", "--from-json", "-")
	want.Filters.DeniedProtocols, want.Status = []string{"FTP"}, 1
	if diff := cmp.Diff(want, r.stored("alice")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.wantPassword("alice", "s3cret")

	r.fails("cannot be renamed", `{"username":"bob"}`, "update", "alice", "--from-json", "-")
	r.fails("max_sessions: -1 is less than 0", "", "update", "alice", "--max-sessions", "-1")
	if err := r.fails(`user "nobody": not found`, "", "update", "nobody", "--status", "1"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
	if diff := cmp.Diff(want, r.stored("alice")); diff != "" {
		t.Errorf("a refused update changed the record:\n%s", diff)
	}
}

func TestUserPasswd(t *testing.T) {
	r := newUserRig(t)
	r.must("one\n", "add", "alice", "--password-stdin")
	r.must("two\r\n", "passwd", "alice", "--password-stdin")
	r.wantPassword("alice", "two")
	out := r.must("", "passwd", "alice", "--generate-password")
	_, plain, _ := strings.Cut(strings.TrimSpace(out), "password: ")
	r.wantPassword("alice", plain)
	// A hash of another system is taken as it is.
	const hash = "$2y$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv."
	r.must(hash, "passwd", "alice", "--password-stdin")
	if got := r.stored("alice").Password; got != hash {
		t.Errorf("stored %q", got)
	}
	r.fails("no password: use", "", "passwd", "alice")
	r.fails("not found", "x\n", "passwd", "nobody", "--password-stdin")
	r.fails("password-stdin", "x\n", "passwd", "alice", "--password-stdin", "--generate-password")
}

func TestUserDelete(t *testing.T) {
	r := newUserRig(t)
	r.must("x\n", "add", "alice", "--password-stdin")
	if out := r.must("", "delete", "alice"); out != "deleted alice; the files in /srv/homes/alice were kept\n" {
		t.Errorf("output %q", out)
	}
	if err := r.fails(`user "alice": not found`, "", "delete", "alice"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

func TestUserShowAndList(t *testing.T) {
	r := newUserRig(t)
	if out := r.must("", "list", "--json"); out != "[]\n" {
		t.Errorf("empty list %q", out)
	}
	r.must("x\n", "add", "bob", "--password-stdin", "--quota-size", "10GiB", "--quota-files", "9")
	r.must("x\n", "add", "alice", "--password-stdin", "--status", "disabled", "--permissions", "/=list", "--permissions", "/no=")
	store, _, err := r.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Usage().Set(t.Context(), "bob", dataprovider.Amount{Files: 3, Bytes: 1536}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	const table = `
USERNAME  STATUS    USED                FILES   LAST LOGIN  HOME
alice     disabled  0 B                 0       never       /srv/homes/alice
bob       enabled   1.5 KiB of 10.0 GiB  3 of 9  never       /srv/homes/bob
`
	if diff := cmp.Diff(squeeze(table), squeeze(r.must("", "list"))); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	const details = `
username:         alice
status:           disabled
expires:          never
last login:       never
password:         set
home:             /srv/homes/alice
permissions /:    list
permissions /no:  nothing
used:             0 B
files:            0
`
	if diff := cmp.Diff(squeeze(details), squeeze(r.must("", "show", "alice"))); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}

	var list []dataprovider.User
	all := r.must("", "list", "--json")
	if err := json.Unmarshal([]byte(all), &list); err != nil {
		t.Fatal(err)
	}
	var one dataprovider.User
	if err := json.Unmarshal([]byte(r.must("", "show", "bob", "--json")), &one); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Username != "alice" {
		t.Errorf("list %s", all)
	}
	if diff := cmp.Diff(one, list[1]); diff != "" {
		t.Errorf("show and list differ:\n%s", diff)
	}
	if one.UsedQuotaSize != 1536 || one.UsedQuotaFiles != 3 || one.LastQuotaUpdate == 0 {
		t.Errorf("usage %+v", one)
	}
	if strings.Contains(all, "argon2") || strings.Contains(all, `"password":"`) {
		t.Errorf("the list is not redacted: %s", all)
	}
	r.fails("not found", "", "show", "nobody")
}

// squeeze makes tables independent of column widths.
func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(s)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestUserCommandsRefuseMemory(t *testing.T) {
	r := newUserRig(t)
	r.config.Driver = dataprovider.DriverMemory
	for _, args := range [][]string{
		{"add", "a", "--password-stdin"}, {"list"}, {"show", "a"}, {"update", "a", "--status", "1"}, {"delete", "a"}, {"passwd", "a", "--password-stdin"},
	} {
		r.fails("nothing would be kept", "x\n", args...)
	}
}

func TestUserStoreCannotBeOpened(t *testing.T) {
	cmd := newUserCommand(func(context.Context) (dataprovider.Store, dataprovider.Config, error) {
		return nil, dataprovider.Config{}, errors.Join(errors.New("one"), errors.New("two"))
	})
	cmd.SilenceErrors = true
	cmd.SetArgs([]string{"list"})
	if err := cmd.ExecuteContext(t.Context()); err == nil || err.Error() != "one; two" {
		t.Errorf("got %v", err)
	}
}

func TestUserTakesNoSecretFromArguments(t *testing.T) {
	for _, sub := range newUserCommand(nil).Commands() {
		if sub.Flags().Lookup("password") != nil {
			t.Errorf("%s has a flag --password", sub.Name())
		}
	}
	r := newUserRig(t)
	r.fails("unknown flag: --password", "", "add", "a", "--password", "x")
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1": 1, "1073741824": 1 << 30, "10GiB": 10 << 30, "1.5G": 3 << 29, "500 MB": 5e8, "2t": 2 << 40, "7k": 7168, "3 kB": 3000, "12b": 12,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-1", "GiB", "ten", "1e3", "0x10", "10 apples", "1.2.3", "NaN", "Inf", "99999999999T", "9223372036854775808", "-5k"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("parseSize(%q) = %d", s, got)
		}
	}
}
