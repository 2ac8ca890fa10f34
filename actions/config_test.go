package actions_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

// What the client is to wait for must be told at all.
func TestInLine(t *testing.T) {
	c := actions.Config{ExecuteOn: []string{"upload", "pre-delete"}, Hook: "/bin/hook", ExecuteSync: []string{"upload", "pre-delete"}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	want := []actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart}
	if diff := cmp.Diff(want, c.SyncKinds()); diff != "" {
		t.Error(diff)
	}
	c.ExecuteSync = []string{"upload", "rename", "uploads"}
	err := c.Validate()
	if err == nil || !strings.Contains(err.Error(), `execute_sync.1: "rename" is not in execute_on`) ||
		!strings.Contains(err.Error(), `execute_sync.2: unknown event "uploads"; did you mean "upload"?`) {
		t.Errorf("err = %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hook")
	for _, c := range []struct {
		name   string
		config actions.Config
		want   []string // of the error; none: valid
	}{
		{"nothing", actions.DefaultConfig(), nil},
		{"program", actions.Config{ExecuteOn: []string{"download", "upload", "pre-delete", "delete", "rename", "ssh_cmd"}, Hook: program}, nil},
		{"URL", actions.Config{ExecuteOn: []string{"upload"}, Hook: "http://127.0.0.1:8000/x?y=z"}, nil},
		{"https", actions.Config{ExecuteOn: []string{"upload"}, Hook: "https://u:p@hooks.example"}, nil},
		{"plural", actions.Config{ExecuteOn: []string{"uploads"}}, []string{`execute_on.0: unknown event "uploads"; did you mean "upload"?`}},
		{"case", actions.Config{ExecuteOn: []string{"upload", "Delete"}}, []string{`execute_on.1: unknown event "Delete"; did you mean "delete"?`}},
		{"dash", actions.Config{ExecuteOn: []string{"ssh-cmd", "pre_delete"}}, []string{`did you mean "ssh_cmd"?`, `did you mean "pre-delete"?`}},
		{"swapped letters", actions.Config{ExecuteOn: []string{"dowlnoad"}}, []string{`did you mean "download"?`}},
		{"not trimmed", actions.Config{ExecuteOn: []string{" rename"}}, []string{`did you mean "rename"?`}},
		{"nothing like it", actions.Config{ExecuteOn: []string{"login"}}, []string{"the events are download, upload, pre-delete, delete, rename, mkdir, rmdir, copy, ssh_cmd"}},
		{"relative", actions.Config{Hook: "bin/hook"}, []string{"hook: \"bin/hook\" is neither an absolute path nor an http(s) URL"}},
		{"home", actions.Config{Hook: "~/hook"}, []string{"neither an absolute path"}},
		{"upper case", actions.Config{Hook: "HTTPS://u:secret@hooks.example/x"}, []string{`hook: "HTTPS://hooks.example/x": write the scheme in lower case`}},
		{"http prefix decides", actions.Config{Hook: "httpfoo"}, []string{`"httpfoo" begins with "http" but is not a URL`}},
		{"no host", actions.Config{Hook: "http:///x"}, []string{"is not a URL"}},
		{"bad port", actions.Config{Hook: "http://u:secret@h:port/x"}, []string{"is not a URL"}},
		{"slash in a password", actions.Config{Hook: "http://u:secret/x@h/y"}, []string{"is not a URL"}},
		{"all faults", actions.Config{ExecuteOn: []string{"x", "y"}, Hook: "z"}, []string{"execute_on.0", "execute_on.1", "hook"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.config.Validate()
			if len(c.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q has no %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows a password", err)
			}
		})
	}
}

func TestConfigKinds(t *testing.T) {
	c := actions.Config{ExecuteOn: []string{"rename", "upload", "upload", "unknown"}}
	want := []actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart, actions.RenameDone}
	if d := cmp.Diff(want, c.Kinds()); d != "" {
		t.Error(d)
	}
}

func TestRedactURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"http://minio:9000":           "http://minio:9000",
		"minio:9000":                  "minio:9000",
		"https://h/x?sig=a&y=b":       "https://h/x",
		"https://h/x#token":           "https://h/x",
		"https://user:pw@h/x":         "https://h/x",
		"https://user:p@w@h:1/x@y":    "https://h:1/x@y",
		"user:pw@h/x?y":               "h/x",
		"https://a.example?u=//b@c/d": "https://a.example",
		"https://u:p/w@h/x":           "https://h/x",           // no valid port, so it may be a password
		"http://[::1]:8000/%zz?q":     "http://[::1]:8000/%zz", // no valid escape,
	} {
		if got := actions.RedactURL(in); got != want {
			t.Errorf("RedactURL(%q) = %q, want %q", in, got, want)
		}
	}
}
