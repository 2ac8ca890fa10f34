package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/outbox"
)

// checklist are the points of the action contract that can be tested. What lies in the
// golden files of TestContract is what hooks were really given; the rest is proven by
// the tests that are named.
var checklist = []struct {
	what   string
	check  func(t *testing.T)
	proofs []proof
}{
	{what: "1 a program gets five arguments, empty ones too", check: checkArguments},
	{what: "2 all variables are there, the size is 0 and not empty", check: checkVariables},
	{what: "3 the keys of a body have an order, and are left out as the contract says", check: checkBodies,
		proofs: []proof{{"actions/format", []string{"TestPayloadsOfTheContract", "TestFieldsOfKinds", "TestEscaping"}}}},
	{what: "4 the answer 204 to pre-delete leaves it to the server", check: func(t *testing.T) {
		checkActions(t, "http-mode0", "delete", `^pre-delete delete$`)
	}},
	{what: "5 the answer 200 means that the hook has deleted it", check: func(t *testing.T) {
		checkActions(t, "http-mode0", "delete, handled", `^pre-delete$`)
		checkActions(t, "program-mode0", "delete, handled", `^pre-delete$`)
	}, proofs: []proof{{"protocols/session", []string{"TestPreDelete", "TestHandledByHookIsBooked"}}}},
	{what: "6 an endpoint that fails twice is told once more, with pauses",
		proofs: []proof{{"actions/httpsink", []string{"TestRetriesWithinADelivery", "TestStatus"}}}},
	{what: "7 what begins with http is a URL; a relative path is refused", check: checkTargets},
	{what: "8 SCP is no command", check: func(t *testing.T) {
		for dir, text := range goldenFiles(t, "scp.golden") {
			if strings.Contains(text, "ssh_cmd") {
				t.Errorf("%s: ssh_cmd", dir)
			}
		}
	}},
	{what: "9 what is denied has no event", check: checkDenied,
		proofs: []proof{{"cmd/sftpgo", []string{"TestCrossProtocol"}}}},
	{what: "10 an upload above the size of a file has status 2, no size, and leaves nothing", check: func(t *testing.T) {
		for _, dir := range []string{"http-mode0", "http-mode1", "http-mode2"} {
			checkBody(t, dir, "upload above the size of a file", `/large","fs_provider":0,"status":2,`)
		}
	}, proofs: []proof{{"cmd/sftpgo", []string{"TestCrossProtocol"}}}},
	{what: "11 an upload that is cut off is kept in mode 2, with status 0", check: func(t *testing.T) {
		checkBody(t, "http-mode2", "upload, aborted", `/cut","file_size":[1-9][0-9]*,"fs_provider":0,"status":0,`)
		checkBody(t, "http-mode1", "upload, aborted", `/cut","fs_provider":0,"status":0,`)
	}, proofs: []proof{{"cmd/sftpgo", []string{"TestCrossProtocol"}}}},
	{what: "12 a tree that is removed over WebDAV: two events for each file, none for directories",
		proofs: []proof{{"cmd/sftpgo", []string{"TestCrossProtocol"}}, {"protocols/session", []string{"TestTree"}}}},
	{what: "13 sftpgo-copy has one event with both paths", check: func(t *testing.T) {
		checkActions(t, "http-mode0", "copy", `^ssh_cmd$`)
		checkBody(t, "http-mode0", "copy", `"path":"DATA/ssh/seed/file","target_path":"DATA/ssh/copy","ssh_cmd":"sftpgo-copy"`)
	}},
	{what: "14 changes of accounts: the query, no secrets",
		proofs: []proof{{"actions/format", []string{"TestUserAction"}}, {"actions/useraction", []string{"TestChangesAreTold"}}}},
	{what: "15 a program is ended at its limit, and then the server deletes", check: checkLimit,
		proofs: []proof{{"actions/execsink", []string{"TestTimeoutEndsTheWholeGroup"}}, {"actions/outbox", []string{"TestAsk"}}}},
	{what: "16, 17, 18 hooks before logins and connections do not exist, and that is said", check: checkLoginHooks},
}

// TestActionChecklist goes through the points.
func TestActionChecklist(t *testing.T) {
	t.Parallel()
	for _, point := range checklist {
		t.Run(point.what, func(t *testing.T) {
			if point.check != nil {
				point.check(t)
			}
			for _, p := range point.proofs {
				p.check(t)
			}
		})
	}
}

// goldenFiles reads those of a name, by directory.
func goldenFiles(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "contract", "*", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(name, filepath.Join("testdata", "contract")+string(filepath.Separator))] = string(text)
	}
	return texts
}

// steps of a golden file, without their titles, by title.
func goldenSteps(text string) map[string]string {
	steps := map[string]string{}
	for step := range strings.SplitSeq(strings.TrimPrefix(text, "== "), "\n== ") {
		title, told, _ := strings.Cut(step, "\n")
		steps[title] = told
	}
	return steps
}

// programCalls are the calls in all golden files of programs.
func programCalls(t *testing.T) (calls []string) {
	for name, text := range goldenFiles(t, "*.golden") {
		if strings.HasPrefix(name, "program") {
			for _, told := range goldenSteps(text) {
				for call := range strings.SplitSeq(told, "argument 1: ") {
					if call != "" {
						calls = append(calls, "argument 1: "+call)
					}
				}
			}
		}
	}
	if len(calls) < 50 {
		t.Fatalf("%d calls", len(calls))
	}
	return calls
}

func checkArguments(t *testing.T) {
	five := regexp.MustCompile(`^argument 1: ".+"\nargument 2: ".+"\nargument 3: ".*"\nargument 4: ".*"\nargument 5: ".*"\nvariable: `)
	for _, call := range programCalls(t) {
		if !five.MatchString(call) {
			t.Errorf("arguments of\n%s", call)
		}
	}
}

func checkVariables(t *testing.T) {
	for _, call := range programCalls(t) {
		for _, name := range []string{
			"", "_USERNAME", "_PATH", "_TARGET", "_SSH_CMD", "_FILE_SIZE", "_FS_PROVIDER", "_BUCKET", "_ENDPOINT", "_STATUS", "_PROTOCOL",
		} {
			if strings.Count(call, `variable: "SFTPGO_ACTION`+name+"=") != 1 {
				t.Errorf("SFTPGO_ACTION%s in\n%s", name, call)
			}
		}
		if strings.Contains(call, `SFTPGO_ACTION_FILE_SIZE="`) {
			t.Errorf("no size in\n%s", call)
		}
	}
}

func checkBodies(t *testing.T) {
	form := regexp.MustCompile(`^{"action":"[a-z_-]+","username":"[a-z]+","path":"[^"]*"(,"target_path":"[^"]+")?(,"ssh_cmd":"[^"]+")?` +
		`(,"file_size":([1-9][0-9]*|SIZE))?,"fs_provider":0,"status":[012],"protocol":"(SFTP|SCP|SSH|FTP|DAV)"}$`)
	n := 0
	for name, text := range goldenFiles(t, "*.golden") {
		for line := range strings.Lines(text) {
			body, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "body: ")
			if !ok {
				continue
			}
			n++
			if !form.MatchString(body) {
				t.Errorf("%s: %s", name, body)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d bodies", n)
	}
}

var anyAction = regexp.MustCompile(`(?:body: {"action":|argument 1: )"([^"]+)"`)

// checkActions compares the actions that a step has over each protocol that has it.
func checkActions(t *testing.T, dir, step, want string) {
	t.Helper()
	n := 0
	for name, text := range goldenFiles(t, "*.golden") {
		told, ok := goldenSteps(text)[step]
		if !ok || !strings.HasPrefix(name, dir) {
			continue
		}
		n++
		var names []string
		for _, m := range anyAction.FindAllStringSubmatch(told, -1) {
			names = append(names, m[1])
		}
		if got := strings.Join(names, " "); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s, %s: %s", name, step, got)
		}
	}
	if n == 0 {
		t.Errorf("%s: no step %q", dir, step)
	}
}

// checkBody holds that a step has such a body over each protocol that has it.
func checkBody(t *testing.T, dir, step, want string) {
	t.Helper()
	n := 0
	for name, text := range goldenFiles(t, "*.golden") {
		if told, ok := goldenSteps(text)[step]; ok && strings.HasPrefix(name, dir) {
			n++
			if !regexp.MustCompile(want).MatchString(told) {
				t.Errorf("%s, %s:\n%s", name, step, told)
			}
		}
	}
	if n == 0 {
		t.Errorf("%s: no step %q", dir, step)
	}
}

func checkDenied(t *testing.T) {
	n := 0
	for name, text := range goldenFiles(t, "*.golden") {
		for step, told := range goldenSteps(text) {
			if strings.HasSuffix(step, ", denied") {
				n++
				if strings.TrimSpace(told) != "" {
					t.Errorf("%s, %s:\n%s", name, step, told)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d steps are denied", n)
	}
}

func checkTargets(t *testing.T) {
	for hook, url := range map[string]bool{"http://h/x": true, "https://h/x": true, "/opt/http": false} {
		c := actions.Config{Hook: hook, ExecuteOn: []string{"upload"}}
		if err := c.Validate(); err != nil || c.HookIsURL() != url {
			t.Errorf("%s: a URL: %v, %v", hook, c.HookIsURL(), err)
		}
	}
	err := actions.Config{Hook: "hook.sh", ExecuteOn: []string{"upload"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), `"hook.sh" is neither an absolute path nor an http(s) URL`) {
		t.Errorf("relative path: %v", err)
	}
}

func checkLimit(t *testing.T) {
	if limit := execsink.DefaultConfig().Timeout; limit != 30*time.Second {
		t.Errorf("limit %v", limit)
	}
	gate := outbox.ActionsGate(actions.Config{ExecuteOn: []string{"pre-delete"}, Hook: "/hook"}, nil)
	v, err := gate.Read(actions.DeleteCheck, actions.Answer{}, errors.New("killed at the time limit"))
	if v.Decision != actions.Proceed || !errors.Is(err, actions.ErrUnanswered) {
		t.Errorf("%v, %v", v, err)
	}
	if got := meaning(gate, actions.DeleteCheck, v, err); got != "the hook has not deleted the file, the server does" {
		t.Error(got)
	}
}

// checkLoginHooks holds what a user sees whose configuration asks for them: a line at
// the start that names each, and a server that works without.
func checkLoginHooks(t *testing.T) {
	s := newRealServer(t)
	settings := `{"common": {"post_connect_hook": "/hook"}, "data_provider": {"pre_login_hook": "/hook", "external_auth_hook": "/hook"}}`
	if err := os.WriteFile(filepath.Join(s.dir, "conf", "sftpgo.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	out, err := os.ReadFile(filepath.Join(s.dir, "server.out"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	const want = "settings that are known but have no effect in this version: " +
		"common.post_connect_hook, data_provider.external_auth_hook, data_provider.pre_login_hook"
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasSuffix(line, want) }) {
		t.Errorf("output:\n%s", out)
	}
}
