package actions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestValidateHooks(t *testing.T) {
	good := actions.Hook{Name: "index", Target: "https://h.example/x", Secrets: []string{secret}}
	with := func(change func(h *actions.Hook)) []actions.Hook {
		h := good
		change(&h)
		return []actions.Hook{h}
	}
	for _, tt := range []struct {
		name  string
		hooks []actions.Hook
		want  []string
	}{
		{"none", nil, nil},
		{"good", []actions.Hook{good, {Name: "scan", Target: "/bin/scan", Format: "sftpgo", Events: []string{"upload", "ssh_cmd"}, Environment: "clean", Timeout: 5}}, nil},
		{"names of upload hooks", with(func(h *actions.Hook) { h.Events = []string{"post-finish", "post-receive", "post-terminate", "upload"} }), nil},
		{"same name", []actions.Hook{good, good}, []string{`1.name: "index" is the name of hook 0, too`}},
		{"no name", with(func(h *actions.Hook) { h.Name = "" }), []string{"0.name: every hook needs one"}},
		{"odd name", with(func(h *actions.Hook) { h.Name = "a b" }), []string{`0.name: "a b" is not of letters, digits, "-" and "_", at most 64`}},
		{"no target", with(func(h *actions.Hook) { h.Target = "" }), []string{"0.target: the path of a program or a URL is missing", "0.secrets: they sign requests to an http or https URL; programs and brokers need none"}},
		{"relative target", []actions.Hook{{Name: "a", Target: "hook.sh"}}, []string{`0.target: "hook.sh" is neither an absolute path nor an http(s) URL`}},
		{"password in the target", with(func(h *actions.Hook) { h.Target = "http:/u:seeded@x?seeded" }), []string{`0.target: "x" begins with "http" but is not a URL like http://host/path or https://host/path`}},
		{"format", with(func(h *actions.Hook) { h.Format = "rustus_v2"; h.Events = []string{"nothing"} }), []string{`0.format: unknown format "rustus_v2"; did you mean "rustus-v2"?`}},
		{"mistyped event", with(func(h *actions.Hook) { h.Events = []string{"delete", "uplaod"} }), []string{`0.events.1: unknown event "uplaod"; did you mean "upload"?`}},
		{"event of others", with(func(h *actions.Hook) { h.Events = []string{"rename"} }), []string{`0.events.0: the format rustus has no name for "rename"; it has upload, delete, post-create, post-receive, post-finish, post-terminate, pre-create, pre-finish, verify, pre-terminate`}},
		{"event of upload hooks", with(func(h *actions.Hook) { h.Format = "cloudevents"; h.Events = []string{"post-finish"} }), []string{`0.events.0: the format cloudevents has no name for "post-finish"; it has upload, download, delete, rename, mkdir, rmdir, copy, ssh_cmd, pre-upload, pre-create, pre-download, pre-delete, verify, pre-finish, post-create`}},
		{"questions", with(func(h *actions.Hook) { h.Events = []string{"pre-create", "pre-finish", "verify", "pre-terminate"} }), nil},
		{"questions of files", with(func(h *actions.Hook) {
			h.Format, h.Events = "sftpgo", []string{"pre-upload", "pre-create", "pre-download", "pre-delete", "verify"}
		}), nil},
		{"question of others", with(func(h *actions.Hook) { h.Events = []string{"pre-delete"} }), []string{
			`0.events.0: the format rustus has no name for "pre-delete"; it has upload, delete, post-create, post-receive, post-finish, post-terminate, pre-create, pre-finish, verify, pre-terminate`,
		}},
		{"words of questions", with(func(h *actions.Hook) {
			h.OnError, h.Responses, h.PreDeleteMode, h.Missing, h.Quarantine = "denied", "tus", "veto", "skip", "q/"
		}), []string{
			`0.on_error: unknown on_error "denied"; known are deny, allow`, `0.responses: unknown responses "tus"; did you mean "tusd"?`,
			`0.missing: unknown missing "skip"; known are error, ignore`, `0.quarantine: "q/" is not a directory below /, as users see it`,
			`0.pre_delete_mode: the format rustus has pre-terminate, which is always a veto`,
		}},
		{"headers", with(func(h *actions.Hook) { h.ProxyHeaders = []string{"X-Tenant", "a b", "", "content-type"} }), []string{
			`0.proxy_headers.1: "a b" is not the name of a header`, "0.proxy_headers.2: the name of a header is missing",
			`0.proxy_headers.3: "content-type" is set by the server itself`,
		}},
		{"protocol", with(func(h *actions.Hook) { h.Filters.Protocols = []string{"sftp"} }), []string{`0.filters.protocols.0: unknown protocol "sftp"; did you mean "SFTP"?`}},
		{"patterns", with(func(h *actions.Hook) {
			h.Filters = actions.HookFilters{Users: []string{""}, Paths: []string{"/in/**", "/[a"}, MinSize: -1}
		}), []string{`0.filters.users.0: "" is not a pattern`, `0.filters.paths.1: "/[a" is not a pattern`, "0.filters.min_size: -1 is negative"}},
		{"numbers", with(func(h *actions.Hook) {
			h.Timeout, h.Retry = -1, actions.HookRetry{Pause: -1, LongestPause: 1 << 30, Tries: 1001}
		}), []string{"0.timeout: -1 is not between 0 and 86400", "0.retry.pause: -1 is not between 0 and 604800", "0.retry.longest_pause: 1073741824 is not between 0 and 604800", "0.retry.tries: 1001 is not between 0 and 1000"}},
		{"environment", []actions.Hook{{Name: "a", Target: "/b", Environment: "clear"}}, []string{`0.environment: unknown environment "clear"; did you mean "clean"?`}},
		{"environment of a URL", with(func(h *actions.Hook) { h.Environment = "clean" }), []string{"0.environment: a URL has none; it is for programs"}},
		{"secrets", with(func(h *actions.Hook) { h.Secrets = []string{secret, "seeded!", "whsec_c2VlZGVk"} }), []string{
			`0.secrets.1: not base64; make one with: printf 'whsec_%s\n' "$(openssl rand -base64 32)"`,
			"0.secrets.2: 6 bytes; a secret has 24 to 64 bytes in base64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			if err := actions.ValidateHooks(tt.hooks); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	upload := actions.Event{
		Kind:    actions.UploadDone,
		Session: actions.Session{User: "alice", Protocol: "SFTP"},
		Object:  actions.Object{Name: "/in/2026/a.csv"},
		Result:  actions.Result{Status: actions.StatusOK, Size: 1000},
	}
	failed, rename := upload, upload
	failed.Kind, failed.Result = actions.UploadFailed, actions.Result{Status: actions.StatusQuota}
	rename.Kind, rename.Object.Target, rename.Result.Size = actions.RenameDone, "/out/b.txt", 0
	content, begin, linked := upload, upload, upload
	content.Kind, begin.Kind = actions.UploadVerify, actions.UploadCheck
	begin.Result.Size, linked.Object.Behind = 0, "/real/2026/a.csv"
	for _, tt := range []struct {
		name   string
		filter actions.HookFilters
		event  actions.Event
		reason string
	}{
		{"none", actions.HookFilters{}, upload, ""},
		{"protocol", actions.HookFilters{Protocols: []string{"FTP", "SFTP"}}, upload, ""},
		{"other protocol", actions.HookFilters{Protocols: []string{"FTP"}}, upload, "protocols"},
		{"user", actions.HookFilters{Users: []string{"bob", "al*"}}, upload, ""},
		{"other user", actions.HookFilters{Users: []string{"al"}}, upload, "users"},
		{"last part", actions.HookFilters{Paths: []string{"*.csv"}}, upload, ""},
		{"other last part", actions.HookFilters{Paths: []string{"*.CSV"}}, upload, "paths"},
		{"whole path", actions.HookFilters{Paths: []string{"/in/2026/a.csv"}}, upload, ""},
		{"star stays in a part", actions.HookFilters{Paths: []string{"/in/*"}}, upload, "paths"},
		{"stars for each part", actions.HookFilters{Paths: []string{"/*/*/*"}}, upload, ""},
		{"two stars", actions.HookFilters{Paths: []string{"/in/**"}}, upload, ""},
		{"two stars in between", actions.HookFilters{Paths: []string{"/in/**/*.csv"}}, upload, ""},
		{"two stars for nothing", actions.HookFilters{Paths: []string{"/in/2026/**/a.csv"}}, upload, ""},
		{"two stars twice", actions.HookFilters{Paths: []string{"/**/2026/**"}}, upload, ""},
		{"two stars elsewhere", actions.HookFilters{Paths: []string{"/out/**", "/**/2025/**"}}, upload, "paths"},
		{"target of a rename", actions.HookFilters{Paths: []string{"/out/*"}}, rename, ""},
		{"source of a rename", actions.HookFilters{Paths: []string{"/in/**"}}, rename, ""},
		{"large enough", actions.HookFilters{MinSize: 1000}, upload, ""},
		{"too small", actions.HookFilters{MinSize: 1001}, upload, "min_size"},
		{"content large enough", actions.HookFilters{MinSize: 1000}, content, ""},
		{"content too small", actions.HookFilters{MinSize: 1001}, content, "min_size"},
		{"question without size", actions.HookFilters{MinSize: 1001}, begin, ""},
		{"through a link", actions.HookFilters{Paths: []string{"/real/**"}}, linked, ""},
		{"through another link", actions.HookFilters{Paths: []string{"/other/**"}}, linked, "paths"},
		{"without size", actions.HookFilters{MinSize: 1001}, rename, ""},
		{"went well", actions.HookFilters{OnlyFailures: true}, upload, "only_failures"},
		{"failed", actions.HookFilters{OnlyFailures: true}, failed, ""},
		{"all must pass", actions.HookFilters{OnlyFailures: true, Users: []string{"bob"}}, failed, "users"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.filter.Reason(&tt.event); got != tt.reason {
				t.Errorf("reason %q, want %q", got, tt.reason)
			}
			h := actions.Hook{Format: actions.FormatSFTPGo, Filters: tt.filter}
			if h.Wants(&tt.event) != (tt.reason == "") {
				t.Error("Wants and Reason differ")
			}
		})
	}
}

// A client chooses names, so they must not be able to cost time.
func TestPatternsAreFast(t *testing.T) {
	f := actions.HookFilters{Paths: []string{"/" + strings.Repeat("**/a/", 50) + "b"}}
	e := actions.Event{Object: actions.Object{Name: "/" + strings.Repeat("a/", 2000) + "c"}}
	start := time.Now()
	if f.Reason(&e) != "paths" {
		t.Error("matches")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestKindsOfHooks(t *testing.T) {
	for _, tt := range []struct {
		format string
		events []string
		want   []actions.Kind
	}{
		{"", nil, []actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart, actions.DeleteDone, actions.UploadOpen}},
		{"tusd", []string{"post-finish"}, []actions.Kind{actions.UploadDone}},
		{"cloudevents", []string{"post-create"}, []actions.Kind{actions.UploadOpen}},
		{"rustus-v2", []string{"post-terminate", "upload"}, []actions.Kind{actions.UploadDone, actions.UploadFailed, actions.UploadPart, actions.DeleteDone}},
		{"sftpgo", []string{"rename"}, []actions.Kind{actions.RenameDone}},
		{"cloudevents", nil, []actions.Kind{
			actions.UploadDone, actions.UploadFailed, actions.UploadPart, actions.DownloadDone, actions.DeleteDone, actions.RenameDone,
			actions.MkdirDone, actions.RmdirDone, actions.CopyDone, actions.SSHCommand,
		}},
	} {
		if d := cmp.Diff(tt.want, actions.Hook{Format: tt.format, Events: tt.events}.Kinds()); d != "" {
			t.Errorf("%s %v: %s", tt.format, tt.events, d)
		}
	}
}

// Of an upload of which nothing is left the upload hooks have no name.
func TestUploadHooksOfFailedUploads(t *testing.T) {
	e := actions.Event{Kind: actions.UploadFailed, Result: actions.Result{Size: 5}}
	if !(actions.Hook{}).Wants(&e) {
		t.Error("kept data is not told")
	}
	e.Result.Size = 0
	if (actions.Hook{}).Wants(&e) {
		t.Error("nothing is told as post-receive")
	}
	if !(actions.Hook{Format: actions.FormatCloudEvents}).Wants(&e) {
		t.Error("cloudevents has a name for it")
	}
}

// Rustus tells of each request one thing, in each of its formats; tusd 2 all.
func TestOneEventOfEachRequest(t *testing.T) {
	whole, part := int64(9), int64(4)
	of := func(k actions.Kind, protocol, method string, offset int64) *actions.Event {
		return &actions.Event{
			Kind: k, Session: actions.Session{Protocol: protocol}, Request: &actions.Request{Method: method},
			Transfer: &actions.Transfer{Offset: offset, Length: &whole},
		}
	}
	final := of(actions.UploadOpen, "HTTP", "POST", 0)
	final.Transfer.Final = true
	for _, tt := range []struct {
		name string
		e    *actions.Event
		want bool
	}{
		{"POST without data", of(actions.UploadOpen, "HTTP", "POST", 0), true},
		{"POST with a part, made", of(actions.UploadOpen, "HTTP", "POST", part), true},
		{"POST with a part, the part", of(actions.UploadPart, "HTTP", "POST", part), false},
		{"POST with all", of(actions.UploadOpen, "HTTP", "POST", whole), false},
		{"POST with all, the part", of(actions.UploadPart, "HTTP", "POST", whole), false},
		{"POST with all, complete", of(actions.UploadDone, "HTTP", "POST", whole), true},
		{"final", final, false},
		{"PATCH with a part", of(actions.UploadPart, "HTTP", "PATCH", part), true},
		{"PATCH with the last part", of(actions.UploadPart, "HTTP", "PATCH", whole), false},
		{"PATCH with the last part, complete", of(actions.UploadDone, "HTTP", "PATCH", whole), true},
		{"PUT, made", of(actions.UploadOpen, "DAV", "PUT", 0), false},
		{"PUT, complete", of(actions.UploadDone, "DAV", "PUT", whole), true},
		{"SFTP, made", &actions.Event{Kind: actions.UploadOpen, Session: actions.Session{Protocol: "SFTP"}, Transfer: &actions.Transfer{}}, true},
		{"SFTP, cut", &actions.Event{Kind: actions.UploadPart, Session: actions.Session{Protocol: "SFTP"}, Transfer: &actions.Transfer{Offset: part}}, true},
	} {
		for _, format := range []string{"", "rustus-v2", "tusd"} {
			if got := (actions.Hook{Format: format}).Wants(tt.e); got != tt.want {
				t.Errorf("%s: %q is told %v, want %v", tt.name, format, got, tt.want)
			}
		}
		if !(actions.Hook{Format: "tusd-v2"}).Wants(tt.e) {
			t.Errorf("%s: tusd-v2 is not told", tt.name)
		}
	}
}

// What a resumable upload keeps between two requests is normal, and what is part of
// another file is no file.
func TestActionsOfResumableUploads(t *testing.T) {
	of := func(k actions.Kind, protocol string, partial bool) *actions.Event {
		return &actions.Event{Kind: k, Session: actions.Session{Protocol: protocol}, Transfer: &actions.Transfer{Partial: partial}}
	}
	for _, tt := range []struct {
		e    *actions.Event
		want bool
	}{
		{of(actions.UploadPart, "HTTP", false), false},
		{of(actions.UploadPart, "SFTP", false), true},
		{of(actions.UploadDone, "HTTP", true), false},
		{of(actions.UploadDone, "HTTP", false), true},
		{of(actions.UploadFailed, "HTTP", false), true},
	} {
		if got := (actions.Config{}).Wants(tt.e); got != tt.want {
			t.Errorf("common.actions is told of %s over %s: %v", tt.e.Kind, tt.e.Session.Protocol, got)
		}
		if got := (actions.Hook{Format: "sftpgo"}).Wants(tt.e); got != tt.want {
			t.Errorf("sftpgo is told of %s over %s: %v", tt.e.Kind, tt.e.Session.Protocol, got)
		}
		if !(actions.Hook{Format: "cloudevents"}).Wants(tt.e) {
			t.Errorf("cloudevents is not told of %s over %s", tt.e.Kind, tt.e.Session.Protocol)
		}
	}
}

func TestSchedule(t *testing.T) {
	builtin := []time.Duration{time.Second, 2 * time.Hour}
	for _, tt := range []struct {
		retry actions.HookRetry
		want  []time.Duration
	}{
		{actions.HookRetry{}, builtin},
		{actions.HookRetry{Tries: 1}, []time.Duration{}},
		{actions.HookRetry{Tries: 2}, builtin[:1]},
		{actions.HookRetry{Tries: 4}, []time.Duration{time.Second, time.Hour, time.Hour}},
		{actions.HookRetry{LongestPause: 10}, []time.Duration{time.Second, 10 * time.Second}},
		{actions.HookRetry{Pause: 3, LongestPause: 10, Tries: 5}, []time.Duration{3 * time.Second, 6 * time.Second, 10 * time.Second, 10 * time.Second}},
		{actions.HookRetry{Pause: 7200, Tries: 3}, []time.Duration{time.Hour, time.Hour}},
	} {
		if d := cmp.Diff(tt.want, tt.retry.Schedule(builtin)); d != "" {
			t.Errorf("%+v: %s", tt.retry, d)
		}
	}
}
