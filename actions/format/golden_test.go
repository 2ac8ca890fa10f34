package format_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// text is the readable form of a call: what a program gets and what an endpoint
// gets.
func text(args, env []string, body []byte) string {
	var b strings.Builder
	b.WriteString("argv:")
	for _, a := range args {
		b.WriteString(" " + strconv.Quote(a))
	}
	b.WriteString("\n")
	for _, v := range env {
		b.WriteString("env:  " + v + "\n")
	}
	b.WriteString("json: ")
	b.Write(body) // ends with the newline of the contract
	b.WriteString("end\n")
	return b.String()
}

func goldenFile(name string) string { return filepath.Join("testdata", name+".golden") }

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := goldenFile(name)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got)\n%s", file, d)
	}
}

func TestRender(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			c, err := format.SFTPGo{}.Render(&x.event)
			if err != nil {
				t.Fatal(err)
			}
			got := text(c.Args, c.Env, c.Body)
			if *update {
				if err := os.WriteFile(goldenFile(x.name), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			compareGolden(t, x.name, got)
			if c.ContentType != "application/json" {
				t.Errorf("content type = %q", c.ContentType)
			}
		})
	}
}

// The payloads letter by letter as the contract prints them, so that a rewrite of
// the golden files cannot change them unseen.
func TestPayloadsOfTheContract(t *testing.T) {
	want := map[string]string{
		"upload":         `{"action":"upload","username":"alice","path":"/srv/data/alice/in/report.csv","file_size":1234,"fs_provider":0,"status":1,"protocol":"SFTP"}`,
		"upload-quota":   `{"action":"upload","username":"alice","path":"/srv/data/alice/in/big.iso","fs_provider":0,"status":2,"protocol":"SFTP"}`,
		"upload-aborted": `{"action":"upload","username":"alice","path":"/srv/data/alice/in/half.bin","file_size":500,"fs_provider":0,"status":0,"protocol":"FTP"}`,
		"download-s3":    `{"action":"download","username":"carol","path":"/tenants/a/x.pdf","file_size":88211,"fs_provider":1,"bucket":"files","endpoint":"http://minio:9000","status":1,"protocol":"DAV"}`,
		"pre-delete":     `{"action":"pre-delete","username":"bob","path":"/srv/data/bob/old.log","file_size":77,"fs_provider":0,"status":1,"protocol":"FTP"}`,
		"delete":         `{"action":"delete","username":"bob","path":"/srv/data/bob/old.log","file_size":77,"fs_provider":0,"status":1,"protocol":"FTP"}`,
		"rename":         `{"action":"rename","username":"alice","path":"/srv/data/alice/a.txt","target_path":"/mnt/archive/a.txt","fs_provider":0,"status":1,"protocol":"SFTP"}`,
		"ssh-md5sum":     `{"action":"ssh_cmd","username":"alice","path":"/srv/data/alice/in/a.txt","ssh_cmd":"md5sum","fs_provider":0,"status":1,"protocol":"SSH"}`,
		"ssh-pwd":        `{"action":"ssh_cmd","username":"alice","path":"","ssh_cmd":"pwd","fs_provider":0,"status":1,"protocol":"SSH"}`,
		"ssh-copy":       `{"action":"ssh_cmd","username":"alice","path":"/srv/data/alice/a","target_path":"/srv/data/alice/b","ssh_cmd":"sftpgo-copy","fs_provider":0,"status":1,"protocol":"SSH"}`,
	}
	for _, x := range examples() {
		c, err := format.SFTPGo{}.Render(&x.event)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[x.name]+"\n", string(c.Body)); d != "" {
			t.Errorf("%s (-want +got)\n%s", x.name, d)
		}
	}
}

// What the contract says of fields, whatever the event holds.
func TestFieldsOfKinds(t *testing.T) {
	e := actions.Event{
		ID:     eventID,
		Object: actions.Object{Path: "/p", TargetPath: "/t", SSHCommand: "md5sum", Endpoint: "https://u:p@acct.blob.example/c?sv=1&sig=seeded#x"},
		Result: actions.Result{Size: 5, Status: actions.StatusError},
	}
	for kind, want := range map[actions.Kind]string{
		actions.UploadDone:   `["upload" "" "/p" "" ""] 5 0`,
		actions.UploadFailed: `["upload" "" "/p" "" ""] 5 0`,
		actions.DownloadDone: `["download" "" "/p" "" ""] 5 0`,
		actions.DeleteCheck:  `["pre-delete" "" "/p" "" ""] 5 1`,
		actions.DeleteDone:   `["delete" "" "/p" "" ""] 5 1`,
		actions.RenameDone:   `["rename" "" "/p" "/t" ""] 0 1`,
		actions.SSHCommand:   `["ssh_cmd" "" "/p" "/t" "md5sum"] 0 0`,
		actions.UploadPart:   `["upload" "" "/p" "" ""] 5 0`,
		actions.MkdirDone:    `["mkdir" "" "/p" "" ""] 5 0`,
		actions.RmdirDone:    `["rmdir" "" "/p" "" ""] 5 0`,
		actions.CopyDone:     `["copy" "" "/p" "/t" ""] 5 0`,
	} {
		e.Kind = kind
		c, err := format.SFTPGo{}.Render(&e)
		if err != nil {
			t.Fatal(err)
		}
		env := make(map[string]string)
		for _, v := range c.Env {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		quoted := make([]string, len(c.Args))
		for i, a := range c.Args {
			quoted[i] = strconv.Quote(a)
		}
		got := "[" + strings.Join(quoted, " ") + "] " + env["SFTPGO_ACTION_FILE_SIZE"] + " " + env["SFTPGO_ACTION_STATUS"]
		if got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		if env["SFTPGO_ACTION_ENDPOINT"] != "https://acct.blob.example/c" || strings.Contains(string(c.Body), "seeded") {
			t.Errorf("%s: endpoint with credentials: %s %s", kind, env["SFTPGO_ACTION_ENDPOINT"], c.Body)
		}
		if len(env) != 12 {
			t.Errorf("%s: %d variables", kind, len(env))
		}
	}
}

func TestEscaping(t *testing.T) {
	e := actions.Event{Kind: actions.UploadDone, Object: actions.Object{Path: "/a<b>&\"\\\n\u2028é\u202e.txt"}}
	c, err := format.SFTPGo{}.Render(&e)
	if err != nil {
		t.Fatal(err)
	}
	want := `"path":"/a\u003cb\u003e\u0026\"\\\n\u2028é` + "\u202e" + `.txt"`
	if !strings.Contains(string(c.Body), want) {
		t.Errorf("body = %s, want %s", c.Body, want)
	}
	if c.Args[2] != e.Object.Path {
		t.Errorf("argument = %q", c.Args[2])
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := (format.SFTPGo{}).Render(&actions.Event{Kind: actions.UploadOpen}); err == nil {
		t.Error("no error")
	}
}

// The words of the configuration and those of the dialect are the same.
func TestNamesAgreeWithTheConfiguration(t *testing.T) {
	for _, k := range []actions.Kind{
		actions.UploadDone, actions.UploadFailed, actions.DownloadDone, actions.DeleteCheck, actions.DeleteDone,
		actions.UploadPart, actions.RenameDone, actions.MkdirDone, actions.RmdirDone, actions.CopyDone, actions.SSHCommand,
	} {
		name, ok := format.Name(k)
		if !ok {
			t.Errorf("%s has no name", k)
		}
		c := actions.Config{ExecuteOn: []string{name}}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		found := false
		for _, other := range c.Kinds() {
			n, _ := format.Name(other)
			found = found || other == k
			if n != name {
				t.Errorf("execute_on %q includes %s, which is %q", name, other, n)
			}
		}
		if !found {
			t.Errorf("execute_on %q does not include %s", name, k)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	e := examples()[0].event
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (format.SFTPGo{}).Render(&e); err != nil {
			b.Fatal(err)
		}
	}
}
