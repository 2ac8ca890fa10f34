package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/format"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// TestCommandDone goes up to what the hook is passed.
func TestCommandDone(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	at := func(name string) string { return filepath.Join(r.home, name) }
	for _, c := range []struct {
		line, name, target string
		err                error
		want               map[string]any
	}{
		{"md5sum a.txt", "a.txt", "", nil, map[string]any{"ssh_cmd": "md5sum", "path": at("a.txt"), "status": 1.0}},
		{"pwd", "", "", nil, map[string]any{"ssh_cmd": "pwd", "path": "", "status": 1.0}},
		{"sftpgo-copy /a b/", "/a", "b/", nil, map[string]any{"ssh_cmd": "sftpgo-copy", "path": at("a"), "target_path": at("b"), "status": 1.0}},
		{"sftpgo-remove /a", "/a", "", vfs.ErrPermission, map[string]any{"ssh_cmd": "sftpgo-remove", "path": at("a"), "status": 0.0}},
		{"rsync --server . /d", "/d", "", fmt.Errorf("rsync: %w", session.ErrQuota), map[string]any{"ssh_cmd": "rsync", "path": at("d"), "status": 2.0}},
		{"cd ../../x", "../../x", "", vfs.ErrName, map[string]any{"ssh_cmd": "cd", "path": "../../x", "status": 0.0}},
		{"cd \xff", "\xff", "", vfs.ErrName, map[string]any{"ssh_cmd": "cd", "path": "\uFFFD", "status": 0.0}},
	} {
		s.CommandDone(t.Context(), c.line, c.name, c.target, c.err)
		got, err := r.store.Outbox().Claim(t.Context(), "hook", 10, time.Minute)
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %d deliveries, %v", c.line, len(got), err)
		}
		var e actions.Event
		must(t, json.Unmarshal(got[0].Event, &e), r.store.Outbox().Done(t.Context(), got[0].ID))
		call, err := format.SFTPGo{}.Render(&e)
		must(t, err)
		var body map[string]any
		must(t, json.Unmarshal(call.Body, &body))
		c.want["action"], c.want["username"], c.want["protocol"], c.want["fs_provider"] = "ssh_cmd", "alice", "SSH", 0.0
		if diff := cmp.Diff(c.want, body); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

// TestCommandCount: commands that fail are counted apart.
func TestCommandCount(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	s.CommandDone(t.Context(), "cd /d", "/d", "", nil)
	s.CommandDone(t.Context(), "cd /d", "/d", "", vfs.ErrPermission)
	if c := r.metrics; c.commands != 2 || c.commandsFailed != 1 {
		t.Errorf("%d commands counted, %d of them failed", c.commands, c.commandsFailed)
	}
}

// TestCommandDoneAfterTheClient: the event does not need the session any more, and
// waits when the store is away.
func TestCommandDoneAfterTheClient(t *testing.T) {
	r := newRig(t, session.Config{})
	store := &dyingStore{Store: r.store, dieAt: "settle"}
	r.restart(session.Config{}, store)
	s := r.open()
	s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.CommandDone(ctx, "cd /d", "/d", "", errors.New("no"))
	if n := r.manager.Retry(t.Context()); n != 1 {
		t.Errorf("%d outcomes wait", n)
	}
	store.dieAt = ""
	r.manager.Retry(t.Context())
	if got := r.events(); len(got) != 1 || got[0] != "ssh.cmd /d 0 0" {
		t.Errorf("events %v", got)
	}
}
