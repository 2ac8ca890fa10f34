package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// records takes what waits for delivery.
func (r *rig) records() []actions.Event {
	r.t.Helper()
	list, err := r.store.Outbox().Claim(r.t.Context(), "hook", 1000, time.Minute)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []actions.Event
	for _, d := range list {
		var e actions.Event
		if err := json.Unmarshal(d.Event, &e); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, e)
		if err := r.store.Outbox().Done(r.t.Context(), d.ID); err != nil {
			r.t.Fatal(err)
		}
	}
	if len(all) > 0 {
		all = append(all, r.records()...) // what waited for one of them
	}
	return all
}

func (r *rig) as(protocol string) *session.Session {
	r.t.Helper()
	s, err := r.manager.Open(r.t.Context(), r.user, session.Peer{Protocol: protocol, ID: "1", Remote: netip.MustParseAddr("192.0.2.7")})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	return s
}

// life is what a test compares of an event of an upload.
type life struct {
	Kind      actions.Kind
	Offset    int64
	Length    int64 // -1: not known
	Overwrite bool
	Previous  int64
	Resumed   bool
}

func livesOf(t *testing.T, events []actions.Event) []life {
	t.Helper()
	var list []life
	for _, e := range events {
		if e.Transfer == nil {
			t.Fatalf("%s tells nothing of the transfer", e.Kind)
		}
		l := life{e.Kind, e.Transfer.Offset, -1, e.Transfer.Overwrite, e.Transfer.PreviousSize, e.Transfer.Resumed}
		if e.Transfer.Length != nil {
			l.Length = *e.Transfer.Length
		}
		list = append(list, l)
	}
	return list
}

// TestLifeOfUploads is the table of what is told of an upload from its beginning on,
// for each way in which it may end.
func TestLifeOfUploads(t *testing.T) {
	const open, part, done, failed = actions.UploadOpen, actions.UploadPart, actions.UploadDone, actions.UploadFailed
	resume := vfs.Write | vfs.Create
	tests := []struct {
		name     string
		protocol string
		mode     int // upload mode
		old      string
		flags    vfs.Mode
		length   int64
		send     string
		fail     error
		want     []life
	}{
		{"new", "SFTP", 1, "-", put, -1, "abc", nil, []life{{open, 0, -1, false, 0, false}, {done, 3, 3, false, 0, false}}},
		{"new, in place", "SFTP", 0, "-", put, -1, "abc", nil, []life{{open, 0, -1, false, 0, false}, {done, 3, 3, false, 0, false}}},
		{"length told", "SCP", 1, "-", put, 3, "abc", nil, []life{{open, 0, 3, false, 0, false}, {done, 3, 3, false, 0, false}}},
		{"length wrong", "FTP", 1, "-", put, 5, "abc", nil, []life{{open, 0, 5, false, 0, false}, {done, 3, 3, false, 0, false}}},
		{"empty", "SFTP", 1, "-", put, -1, "", nil, []life{{open, 0, -1, false, 0, false}, {done, 0, 0, false, 0, false}}},
		{"overwrite", "DAV", 1, "old!", put, 3, "abc", nil, []life{{open, 0, 3, true, 4, false}, {done, 3, 3, true, 4, false}}},
		{"resumed", "SFTP", 1, "old!", resume, -1, "+new", nil, []life{{open, 4, -1, true, 4, true}, {done, 8, 8, true, 4, true}}},
		{"cut, kept", "SFTP", 2, "-", put, -1, "ab", errCut, []life{{open, 0, -1, false, 0, false}, {part, 2, -1, false, 0, false}}},
		{"cut, kept in place", "FTP", 0, "-", put, 9, "ab", errCut, []life{{open, 0, 9, false, 0, false}, {part, 2, 9, false, 0, false}}},
		{"cut, resumed", "FTP", 1, "old!", resume, -1, "+n", errCut, []life{{open, 4, -1, true, 4, true}, {part, 6, -1, true, 4, true}}},
		{"cut, dropped", "SFTP", 1, "old!", put, -1, "ab", errCut, []life{{open, 0, -1, true, 4, false}, {failed, 0, -1, true, 4, false}}},
		{"cut, of a client that cannot go on", "SCP", 0, "-", put, 9, "ab", errCut, []life{{open, 0, 9, false, 0, false}, {failed, 2, 9, false, 0, false}}},
		{"over quota", "SFTP", 1, "-", put, -1, "abcdefghijklmnop", nil, []life{{open, 0, -1, false, 0, false}, {failed, 0, -1, false, 0, false}}},
		{"over quota, resumed", "SFTP", 1, "old!", resume, -1, "abcdefghijklmnop", nil, []life{{failed, 4, -1, true, 4, true}}},
		{"only opened", "SFTP", 1, "old!", resume, -1, "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: tt.mode})
			r.user.Filters.MaxUploadFileSize = 12
			r.hooks.all = true
			if tt.old != "-" {
				r.write("f", tt.old)
			}
			s := r.as(tt.protocol)
			tr, err := s.UploadSized(t.Context(), "/f", tt.flags, tt.length)
			if err != nil {
				t.Fatal(err)
			}
			if tt.flags&vfs.Truncate == 0 {
				if _, err := tr.Seek(0, io.SeekEnd); err != nil {
					t.Fatal(err)
				}
			}
			if tt.send != "" {
				_, _ = io.WriteString(tr, tt.send) // Close tells
			}
			tr.TransferError(tt.fail)
			_ = tr.Close() // its events are looked at
			events := r.records()
			if d := cmp.Diff(tt.want, livesOf(t, events)); d != "" {
				t.Error(d)
			}
			oneTransfer(t, events)
		})
	}
}

// oneTransfer checks that all events are of one upload, under a random UUID.
func oneTransfer(t *testing.T, events []actions.Event) {
	t.Helper()
	for _, e := range events {
		if id := e.Transfer.ID; id != events[0].Transfer.ID || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("%s: id %q, of the first %q", e.Kind, id, events[0].Transfer.ID)
		}
		if e.Transfer.Created.IsZero() || e.Transfer.Created.After(e.Time) {
			t.Errorf("%s of %v was created at %v", e.Kind, e.Time, e.Transfer.Created)
		}
	}
}

// TestBeginningIsNotRecordedInVain checks that nothing is paid for an event that
// nobody wants.
func TestBeginningIsNotRecordedInVain(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	begun := 0
	r.restart(session.Config{UploadMode: 1}, &dyingStore{Store: r.store, onBegin: func() { begun++ }})
	s := r.open()
	for _, do := range []func() error{
		func() error { return upload(s, "/f", "abc", put, nil) },
		func() error { return s.Mkdir(t.Context(), "/d") },
		func() error { return s.Rmdir(t.Context(), "/d") },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if begun != 1 { // the upload, when it is published
		t.Errorf("%d intentions", begun)
	}
	if d := cmp.Diff([]string{"upload.done /f 1 3"}, r.events()); d != "" {
		t.Error(d)
	}
}

// TestEveryBeginningHasAnEnd kills the process during and at the end of an upload
// whose beginning was told.
func TestEveryBeginningHasAnEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		mode  int
		dieAt string
		want  []string
	}{
		"staged":    {1, "settle", []string{"upload.open /f 1 0", "upload.failed /f 0 0"}},
		"in place":  {0, "settle", []string{"upload.open /f 1 0", "upload.part /f 0 3"}},
		"published": {1, "told", []string{"upload.open /f 1 0", "upload.done /f 1 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := session.Config{UploadMode: tt.mode}
			r := newRig(t, cfg)
			r.hooks.all = true
			store := &dyingStore{Store: r.store}
			r.restart(cfg, store)
			tr, err := r.open().Upload(t.Context(), "/f", put)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(tr, "abc"); err != nil {
				t.Fatal(err)
			}
			if store.dieAt = tt.dieAt; tt.dieAt == "told" {
				if err := tr.Close(); !errors.Is(err, errDead) {
					t.Fatalf("the client was told %v", err)
				}
			}
			r.restart(cfg, r.store)
			if _, err := r.manager.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.manager.Sweep(t.Context())
			if d := cmp.Diff(tt.want, r.events()); d != "" {
				t.Error(d)
			}
			if n, err := r.manager.Recover(t.Context()); err != nil || n != 0 {
				t.Errorf("second recovery found %d, %v", n, err)
			}
		})
	}
}

// TestDirectoriesAndCopies checks what is told of them, in which order.
func TestDirectoriesAndCopies(t *testing.T) {
	for _, plain := range []bool{false, true} {
		cfg := session.Config{UploadMode: 1}
		if plain {
			cfg.UploadMode = 0
		}
		r := newRig(t, cfg)
		r.plain, r.hooks.all = plain, true
		r.restart(cfg, r.store)
		r.write("src/a", "1234")
		r.write("src/sub/b", "56")
		s := r.open()
		ctx := context.Background()
		for _, step := range []struct {
			name string
			do   func() error
			want []string
		}{
			{"mkdir", func() error { return s.Mkdir(ctx, "/d") }, []string{"mkdir.done /d 1 0"}},
			{"rmdir", func() error { return s.Rmdir(ctx, "/d") }, []string{"rmdir.done /d 1 0"}},
			{"tree", func() error { return s.CopyTree(ctx, "/src", "/copy") }, []string{
				"mkdir.done /copy 1 0", "copy.done /src/a /copy/a 1 4", "mkdir.done /copy/sub 1 0", "copy.done /src/sub/b /copy/sub/b 1 2",
			}},
			{"file", func() error { return s.Copy(ctx, "/src/a", "/e") }, []string{
				"download.done /src/a 1 4", "upload.open /e 1 0", "upload.done /e 1 4", "copy.done /src/a /e 1 4",
			}},
			{"remove tree", func() error { return s.RemoveAll(ctx, "/copy") }, []string{
				"delete.done /copy/a 1 4", "delete.done /copy/sub/b 1 2", "rmdir.done /copy/sub 1 0", "rmdir.done /copy 1 0",
			}},
		} {
			if err := step.do(); err != nil {
				t.Fatal(step.name, err)
			}
			if d := cmp.Diff(sorted(step.want), sorted(r.events())); d != "" {
				t.Errorf("%s, plain storage %v: %s", step.name, plain, d)
			}
		}
		for name, fail := range map[string]func() error{
			"mkdir of what is there": func() error { return s.Mkdir(ctx, "/src") },
			"mkdir in nothing":       func() error { return s.Mkdir(ctx, "/none/d") },
			"rmdir of what is full":  func() error { return s.Rmdir(ctx, "/src") },
			"rmdir of a file":        func() error { return s.Rmdir(ctx, "/src/a") },
			"copy onto something":    func() error { return s.CopyTree(ctx, "/src", "/e") },
		} {
			if err := fail(); err == nil {
				t.Error(name, "succeeded")
			}
			if got := r.events(); got != nil {
				t.Errorf("%s is told: %q", name, got)
			}
		}
		if n, err := r.manager.Recover(ctx); err != nil || n != 0 {
			t.Errorf("%d intentions are left, %v", n, err)
		}
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestDirectoriesAndCopiesAfterCrash stops the store between change and event.
func TestDirectoriesAndCopiesAfterCrash(t *testing.T) {
	for name, tt := range map[string]struct {
		dieAt string
		op    func(*session.Session) error
		want  []string
	}{
		"mkdir":            {"settle", func(s *session.Session) error { return s.Mkdir(s.Context(), "/d") }, []string{"mkdir.done /d 1 0"}},
		"mkdir, not begun": {"begin", func(s *session.Session) error { return s.Mkdir(s.Context(), "/d") }, nil},
		"rmdir":            {"settle", func(s *session.Session) error { return s.Rmdir(s.Context(), "/dir") }, []string{"rmdir.done /dir 1 0"}},
		"rmdir, not begun": {"begin", func(s *session.Session) error { return s.Rmdir(s.Context(), "/dir") }, nil},
		"copy":             {"settle", func(s *session.Session) error { return s.CopyTree(s.Context(), "/f", "/g") }, []string{"copy.done /f /g 1 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := session.Config{UploadMode: 1}
			r := newRig(t, cfg)
			r.hooks.all = true
			r.write("f", "old")
			r.write("dir/x", "")
			if err := r.open().Remove(t.Context(), "/dir/x"); err != nil {
				t.Fatal(err)
			}
			r.events()
			r.restart(cfg, &dyingStore{Store: r.store, dieAt: tt.dieAt})
			if err := tt.op(r.open()); !errors.Is(err, errDead) {
				t.Fatalf("the client was told %v", err)
			}
			r.restart(cfg, r.store)
			if _, err := r.manager.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, r.events()); d != "" {
				t.Error(d)
			}
		})
	}
}
