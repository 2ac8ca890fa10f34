package session_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// ops are all operations on one name, or two.
func ops(s *session.Session) map[string]func() error {
	ctx := s.Context()
	mode := vfs.Attrs{Mode: ptr(fs.FileMode(0o600))}
	return map[string]func() error{
		"stat":      func() error { _, err := s.Stat(ctx, "/d/f"); return err },
		"list":      func() error { return list(s, "/d") },
		"download":  func() error { return read(s, "/d/f") },
		"new":       func() error { return upload(s, "/d/new", "x", put, nil) },
		"overwrite": func() error { return upload(s, "/d/f", "x", put, nil) },
		"mkdir":     func() error { return s.Mkdir(ctx, "/d/sub") },
		"remove":    func() error { return s.Remove(ctx, "/d/f") },
		"rmdir":     func() error { return s.Rmdir(ctx, "/d/empty") },
		"rename":    func() error { return s.Rename(ctx, "/d/f", "/d/g") },
		"replace":   func() error { return s.Rename(ctx, "/d/f", "/d/h") },
		"movedir":   func() error { return s.Rename(ctx, "/d/empty", "/d/other") },
		"symlink":   func() error { return s.Symlink(ctx, "f", "/d/link") },
		"chmod":     func() error { return s.SetAttrs(ctx, "/d/f", mode) },
		"chtimes":   func() error { return s.SetAttrs(ctx, "/d/f", vfs.Attrs{Mtime: ptr(time.Unix(1, 0))}) },
		"truncate":  func() error { return s.SetAttrs(ctx, "/d/f", vfs.Attrs{Size: ptr(int64(1))}) },
	}
}

func ptr[T any](v T) *T { return &v }

func list(s *session.Session, name string) error {
	for _, err := range s.List(s.Context(), name) {
		if err != nil {
			return err
		}
	}
	return nil
}

func read(s *session.Session, name string) error {
	t, err := s.Download(s.Context(), name)
	if err != nil {
		return err
	}
	return t.Close()
}

// TestPermissions runs every operation with every single permission: only the
// ones named may succeed.
func TestPermissions(t *testing.T) {
	allowed := map[string][]string{
		"*": {"stat", "list", "download", "new", "overwrite", "mkdir", "remove", "rmdir", "rename", "replace", "movedir", "symlink", "chmod", "chtimes", "truncate"},

		"list":                    {"stat", "list"},
		"download":                {"download"},
		"upload":                  {"new"},
		"overwrite":               {"overwrite", "truncate"},
		"delete":                  {"remove", "rmdir"},
		"rename":                  {"rename", "movedir"},
		"rename overwrite":        {"rename", "movedir", "replace", "overwrite", "truncate"},
		"create_dirs":             {"mkdir"},
		"create_symlinks":         {"symlink"},
		"chmod":                   {"chmod"},
		"chtimes":                 {"chtimes"},
		"chown":                   nil,
		"delete upload":           {"remove", "rmdir", "new", "rename"},
		"delete create_dirs":      {"remove", "rmdir", "mkdir", "movedir"},
		"delete upload overwrite": {"remove", "rmdir", "new", "rename", "replace", "overwrite", "truncate"},
		"":                        nil,
	}
	for perms, want := range allowed {
		t.Run(perms, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) {
				u.Permissions = map[string][]string{"/": {"*"}, "/d": strings.Fields(perms)}
			})
			names := ops(r.open())
			for op := range names {
				r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Permissions["/d"] = strings.Fields(perms) })
				r.write("d/f", "content")
				r.write("d/h", "other")
				r.write("d/empty/x", "")
				s := r.open()
				if perms == "*" {
					if err := s.Remove(t.Context(), "/d/empty/x"); err != nil {
						t.Fatal(err)
					}
				} else {
					admin := newAdmin(t, r)
					if err := admin.Remove(t.Context(), "/d/empty/x"); err != nil {
						t.Fatal(err)
					}
				}
				r.events()
				err := ops(s)[op]()
				if slices.Contains(want, op) {
					if err != nil {
						t.Errorf("%s: %v", op, err)
					}
					continue
				}
				if !errors.Is(err, vfs.ErrPermission) {
					t.Errorf("%s: %v, want permission denied", op, err)
				}
				if e := r.events(); len(e) > 0 {
					t.Errorf("%s was refused and told: %v", op, e)
				}
			}
		})
	}
}

func newAdmin(t *testing.T, r *rig) *session.Session {
	t.Helper()
	saved := r.user
	defer func() { r.user = saved }()
	r.user.Permissions = map[string][]string{"/": {"*"}}
	return r.open()
}

// TestHostileNames tries every operation with names that must not reach
// anything.
func TestHostileNames(t *testing.T) {
	names := []string{
		"../secret", "/../secret", "/a/../../secret", "a\x00b", "\xff\xfe", strings.Repeat("x", 256),
		"/" + strings.Repeat("d/", 3000), "/" + vfs.StagingPrefix + "x",
	}
	r := newRig(t, session.Config{})
	s := r.open()
	ctx := t.Context()
	for _, n := range names {
		for op, err := range map[string]error{
			"stat":     second(s.Stat(ctx, n)),
			"lstat":    second(s.Lstat(ctx, n)),
			"list":     list(s, n),
			"download": read(s, n),
			"upload":   upload(s, n, "x", put, nil),
			"mkdir":    s.Mkdir(ctx, n),
			"remove":   s.Remove(ctx, n),
			"rmdir":    s.Rmdir(ctx, n),
			"tree":     s.RemoveAll(ctx, n),
			"from":     s.Rename(ctx, n, "/x"),
			"to":       s.Rename(ctx, "/", n),
			"link":     s.Symlink(ctx, "x", n),
			"readlink": second(s.Readlink(ctx, n)),
			"setstat":  s.SetAttrs(ctx, n, vfs.Attrs{}),
		} {
			if !errors.Is(err, vfs.ErrName) {
				t.Errorf("%s %.30q: %v, want a refused name", op, n, err)
			}
		}
	}
	for _, target := range []string{"../../etc/passwd", "a\x00b", ""} {
		if err := s.Symlink(ctx, target, "/l"); err == nil {
			t.Errorf("link to %q was made", target)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestPreDelete checks the three answers of the hook.
func TestPreDelete(t *testing.T) {
	handled := func(r *rig) { r.hooks.verdict.Decision = actions.Handled }
	tests := []struct {
		name    string
		answer  func(*rig)
		byHook  bool // the hook really removes the file
		content string
		events  []string
		usage   dataprovider.Amount
	}{
		{"not handled", func(*rig) {}, false, "-", []string{"delete.done /f 1 3"}, dataprovider.Amount{}},
		{"handled", handled, true, "-", []string{"delete.done /f 1 3"}, dataprovider.Amount{}}, // for upload hooks
		{"handled, file still there", handled, false, "abc", nil, dataprovider.Amount{Files: 1, Bytes: 3}},
		{"denied", func(r *rig) { r.hooks.err = actions.ErrDenied }, false, "abc", nil, dataprovider.Amount{Files: 1, Bytes: 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{})
			s := r.open()
			if err := upload(s, "/f", "abc", put, nil); err != nil {
				t.Fatal(err)
			}
			r.events()
			tt.answer(r)
			if tt.byHook {
				r.hooks.onAsk = func() { r.removeOutside("f") }
			}
			err := s.Remove(t.Context(), "/f")
			if r.hooks.err != nil != errors.Is(err, actions.ErrDenied) {
				t.Errorf("client was told %v", err)
			}
			if got := r.content("f"); got != tt.content {
				t.Errorf("content %q, want %q", got, tt.content)
			}
			if diff := cmp.Diff(tt.events, r.events()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.usage, r.usage()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTree checks the events and the accounts of operations on trees.
func TestTree(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	for _, d := range []string{"/t", "/t/b", "/t/a"} {
		if err := s.Mkdir(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"/t/z", "/t/b/y", "/t/a/x"} {
		if err := upload(s, f, "12", put, nil); err != nil {
			t.Fatal(err)
		}
	}
	r.events()
	if err := s.Copy(t.Context(), "/t/z", "/t/copy"); err != nil {
		t.Fatal(err)
	}
	if err := s.Rename(t.Context(), "/t", "/moved"); err != nil {
		t.Fatal(err)
	}
	if err := s.Rename(t.Context(), "/moved", "/moved/inside"); err == nil {
		t.Error("a directory was moved into itself")
	}
	if err := s.Rename(t.Context(), "/moved/z", "/moved/copy"); err != nil { // replaces
		t.Fatal(err)
	}
	if err := s.RenameNew(t.Context(), "/moved/copy", "/moved/a/x"); !errors.Is(err, vfs.ErrExist) {
		t.Errorf("rename onto a file: %v", err)
	}
	if err := s.Remove(t.Context(), "/moved"); !errors.Is(err, vfs.ErrIsDir) {
		t.Errorf("remove of a directory: %v", err)
	}
	if err := s.Rmdir(t.Context(), "/moved"); !errors.Is(err, vfs.ErrNotEmpty) {
		t.Errorf("rmdir of a full directory: %v", err)
	}
	if diff := cmp.Diff(dataprovider.Amount{Files: 3, Bytes: 6}, r.usage()); diff != "" {
		t.Error(diff)
	}
	if err := s.RemoveAll(t.Context(), "/moved"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"download.done /t/z 1 2", "upload.done /t/copy 1 2", "rename.done /t /moved 1 0", "rename.done /moved/z /moved/copy 1 0",
		"delete.done /moved/a/x 1 2", "delete.done /moved/b/y 1 2", "delete.done /moved/copy 1 2",
	}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(dataprovider.Amount{}, r.usage()); diff != "" {
		t.Error(diff)
	}
}

// TestTruncateIsBooked checks that a change of size by name counts.
func TestTruncateIsBooked(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 100 })
	s := r.open()
	if err := upload(s, "/f", "0123456789", put, nil); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]error{4: nil, 50: nil, 101: session.ErrQuota} {
		if err := s.SetAttrs(t.Context(), "/f", vfs.Attrs{Size: &size}); !errors.Is(err, want) {
			t.Errorf("size %d: %v, want %v", size, err, want)
		}
		info, err := s.Stat(t.Context(), "/f")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.usage(); got.Bytes != info.Size() {
			t.Errorf("size %d, %d bytes counted", info.Size(), got.Bytes)
		}
	}
}

// TestLimitsOfSessions checks max_sessions and the limit of the server.
func TestLimitsOfSessions(t *testing.T) {
	r := newRig(t, session.Config{MaxTotalConnections: 3}, func(u *dataprovider.User) { u.MaxSessions = 2 })
	a, _ := r.open(), r.open()
	if _, err := r.manager.Open(t.Context(), r.user, session.Peer{}); !errors.Is(err, session.ErrSessions) {
		t.Errorf("third session of the user: %v", err)
	}
	a.Park()
	c := r.open()
	if err := a.Resume(); !errors.Is(err, session.ErrSessions) {
		t.Errorf("resume beyond the limit: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Resume(); err != nil {
		t.Error(err)
	}
	r.user.Username, r.user.MaxSessions = "bob", 0
	r.open()
	if _, err := r.manager.Open(t.Context(), r.user, session.Peer{}); !errors.Is(err, session.ErrSessions) {
		t.Errorf("fourth session of the server: %v", err)
	}
}

// TestShutdown checks that running transfers get their grace time and nothing
// new begins.
func TestShutdown(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	idle, busy := r.open(), r.open()
	tr, err := busy.Upload(t.Context(), "/f", put)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { r.manager.Shutdown(t.Context()); close(done) }()
	for idle.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if _, err := busy.Upload(t.Context(), "/g", put); !errors.Is(err, session.ErrClosed) {
		t.Errorf("new upload: %v", err)
	}
	if _, err := r.manager.Open(t.Context(), r.user, session.Peer{}); !errors.Is(err, session.ErrClosed) {
		t.Errorf("new session: %v", err)
	}
	if _, err := tr.Write([]byte("end")); err != nil {
		t.Errorf("running upload: %v", err)
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	if busy.Context().Err() != nil {
		t.Error("the session was ended before its client could be answered")
	}
	<-done
	if got := r.content("f"); got != "end" {
		t.Errorf("content %q", got)
	}
}
