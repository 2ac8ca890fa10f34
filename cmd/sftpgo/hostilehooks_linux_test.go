package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dumpHook is a program that writes down all that it can see: its arguments, its
// environment, its standard input, and the command lines of all processes.
const dumpHook = `#!/bin/sh
cd "$(dirname "$0")"
{
  printf 'argument:%s\000' "$@"
  env
  cat
  for p in /proc/[0-9]*; do tr '\000' ' ' <$p/cmdline; done
} >dump.$$ 2>/dev/null
mv dump.$$ "dump/$SFTPGO_ACTION_EVENT_ID"
`

// hostileHooks is a server with hooks of all kinds that have secrets, most of which
// fail.
type hostileHooks struct {
	*realServer
	planted string // is in each secret
}

func newHostileHooks(t *testing.T) *hostileHooks {
	planted := fmt.Sprintf("pl4nt%d", time.Now().UnixNano())
	key := base64.StdEncoding.EncodeToString([]byte(planted + planted)[:40])
	away := "http://u-" + planted + ":p-" + planted + "@127.0.0.1:1/in?token=" + planted
	s := &hostileHooks{planted: planted}
	s.realServer = newRealServer(t, "SFTPGO_HTTP__RETRY_MAX=0", "SFTPGO_DATA_PROVIDER__PASSWORD="+planted,
		"SFTPGO_HOOKS__4__NAME=environment", "SFTPGO_HOOKS__4__TARGET="+away, "SFTPGO_HOOKS__4__SECRETS="+key)
	program := filepath.Join(s.dir, "dump.sh")
	if err := os.WriteFile(program, []byte(dumpHook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "dump"), 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"common": map[string]any{"actions": map[string]any{"hook": away, "execute_on": []string{"upload"}}},
		"hooks": []map[string]any{
			{"name": "dumps", "target": program, "format": "sftpgo", "events": []string{"upload"}},
			{"name": "signed", "target": away, "format": "cloudevents", "secrets": []string{"whsec_" + key}},
			{"name": "rabbit", "target": "amqp://u-" + planted + ":p-" + planted + "@127.0.0.1:1/"},
			{"name": "nats", "target": "nats://127.0.0.1:1", "nats": map[string]any{"user": "u", "password": planted}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "conf", "sftpgo.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.addUser(t, "alice")
	return s
}

// dumps are what the program saw, by argument 3, the path.
func (s *hostileHooks) dumps(t *testing.T, n int) (all []string) {
	t.Helper()
	var files []string
	eventually(60*time.Second, func() bool {
		files, _ = filepath.Glob(filepath.Join(s.dir, "dump", "*"))
		return len(files) >= n
	})
	if len(files) != n {
		t.Fatalf("%d dumps, want %d", len(files), n)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// TestHooksKeepSecrets: what is secret in the configuration is in no payload, log,
// list of processes, answer of a command or metric.
func TestHooksKeepSecrets(t *testing.T) {
	t.Parallel()
	s := newHostileHooks(t)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	c, err := newSFTPActor(s.sftp, "alice")
	if err == nil {
		defer c.close()
		err = c.put("/a.txt", []byte("content"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed string
	seen := map[string]string{"dump": s.dumps(t, 1)[0]}
	for _, target := range []string{"common.actions", "hooks.signed", "hooks.rabbit", "hooks.nats", "hooks.environment"} {
		if !eventually(60*time.Second, func() bool {
			out, err := s.command("events", "list", "--json", "--target", target).CombinedOutput()
			failed = string(out)
			return err == nil && strings.Contains(failed, `"cause":"`)
		}) {
			t.Errorf("no failure of %s: %s", target, failed)
		}
		seen["events list of "+target] = failed
	}
	for _, args := range [][]string{{"hooks", "list"}, {"hooks", "test", "signed"}, {"hooks", "test", "signed", "--send"},
		{"hooks", "test", "environment", "--send"}, {"hooks", "test", "common.actions"}, {"events", "show", "1"}, {"events", "list", "--all"}} {
		out, _ := s.command(args...).CombinedOutput() // it may fail: what it says counts
		seen[strings.Join(args, " ")] = string(out)
	}
	resp, err := http.Get("http://" + s.telemetry + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	seen["metrics"] = string(page)
	for _, name := range []string{"server.log", "server.out"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		seen[name] = string(text)
	}
	key := base64.StdEncoding.EncodeToString([]byte(s.planted + s.planted)[:40])
	for where, text := range seen {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		for _, secret := range []string{s.planted, key} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has a secret: …%s…", where, text[max(0, i-80):min(len(text), i+40)])
			}
		}
	}
	if !strings.Contains(seen["dump"], "SFTPGO_ACTION=upload") || !strings.Contains(seen["dump"], "sftpgo serve") {
		t.Errorf("the program has not seen its environment or the processes: %s", seen["dump"])
	}
}

// TestHooksGetHostileNames: names that a shell, a parser of options or a database
// could stumble over come to the program as they are.
func TestHooksGetHostileNames(t *testing.T) {
	t.Parallel()
	s := newHostileHooks(t)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	names := []string{"-rf", "$(id)", "`id`", "new\nline", "'; DROP TABLE users; --", " space ", "\\", strings.Repeat("x", 255)}
	c, err := newSFTPActor(s.sftp, "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, name := range names {
		if err := c.put("/"+name, []byte("content")); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	if err := c.put("/\xff\xfe", []byte("content")); err == nil || !strings.Contains(err.Error(), "name not allowed") {
		t.Errorf("a name that is no text: %v", err)
	}
	dumps := s.dumps(t, len(names))
	for _, name := range names {
		path := filepath.Join(s.data("alice"), name)
		want := "argument:upload\x00argument:alice\x00argument:" + path + "\x00argument:\x00argument:\x00"
		found := false
		for _, d := range dumps {
			found = found || strings.HasPrefix(d, want)
		}
		if !found {
			t.Errorf("nobody was told of %q", name)
		}
	}
	out, err := s.command("events", "list", "--all", "--target", "hooks.dumps").CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != len(names)+1 {
		t.Errorf("a line for each name: %v\n%s", err, out)
	}
}
