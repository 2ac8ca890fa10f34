package session_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// TestMovedTreeKeepsItsRules: an entry of its own rules what a directory holds,
// wherever the directory may be moved by the rules of its parent.
func TestMovedTreeKeepsItsRules(t *testing.T) {
	for _, perms := range []map[string][]string{
		{"/": {"*"}, "/ro": {"list", "download"}},
		{"/": {"*"}, "/x": {"list"}},
		{"/": {"*"}, "/ro/sub": {"list"}},
	} {
		r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Permissions = perms })
		r.write("ro/f", "content")
		r.write("ro/sub/g", "content")
		if err := r.open().Rename(t.Context(), "/ro", "/x"); !errors.Is(err, vfs.ErrPermission) {
			t.Errorf("%v: %v", perms, err)
		}
	}
}

// TestLinksAreNoWayAround: what a link leads to keeps its rules and filters.
func TestLinksAreNoWayAround(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"*"}, "/locked": {}}
		u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.key"}}}
	})
	r.write("locked/f", "secret")
	r.write("locked/empty/x", "")
	r.write("a.key", "secret")
	r.write("free/g", "content")
	s := r.open()
	must(t, s.Symlink(t.Context(), "locked", "/dir"), s.Symlink(t.Context(), "locked/f", "/file"),
		s.Symlink(t.Context(), "locked/new", "/new"), s.Symlink(t.Context(), "a.key", "/key"),
		s.Symlink(t.Context(), "dir", "/twice"), s.Symlink(t.Context(), "free", "/open"))
	for name, op := range map[string]func() error{
		"list":               func() error { return list(s, "/dir") },
		"list twice":         func() error { return list(s, "/twice") },
		"stat":               func() error { _, err := s.Stat(t.Context(), "/file"); return err },
		"stat below":         func() error { _, err := s.Lstat(t.Context(), "/dir/f"); return err },
		"download":           func() error { return read(s, "/file") },
		"download below":     func() error { return read(s, "/dir/f") },
		"download filtered":  func() error { return read(s, "/key") },
		"overwrite":          func() error { return upload(s, "/file", "x", put, nil) },
		"upload below":       func() error { return upload(s, "/dir/h", "x", put, nil) },
		"upload dangling":    func() error { return upload(s, "/new", "x", put, nil) },
		"overwrite filtered": func() error { return upload(s, "/key", "x", put, nil) },
		"mkdir":              func() error { return s.Mkdir(t.Context(), "/dir/sub") },
		"symlink":            func() error { return s.Symlink(t.Context(), "f", "/dir/l") },
		"remove":             func() error { return s.Remove(t.Context(), "/dir/f") },
		"rmdir":              func() error { return s.Rmdir(t.Context(), "/dir/empty") },
		"rename from":        func() error { return s.Rename(t.Context(), "/dir/f", "/f") },
		"rename to":          func() error { return s.Rename(t.Context(), "/free/g", "/dir/g") },
		"truncate":           func() error { return s.SetAttrs(t.Context(), "/file", vfs.Attrs{Size: ptr(int64(0))}) },
		"chtimes":            func() error { return s.SetAttrs(t.Context(), "/dir/f", vfs.Attrs{Mtime: ptr(time.Unix(1, 0))}) },
		"space":              func() error { _, err := s.Space(t.Context(), "/file"); return err },
	} {
		if err := op(); !errors.Is(err, vfs.ErrPermission) {
			t.Errorf("%s: %v, want permission denied", name, err)
		}
	}
	if got := r.content("locked/f") + r.content("locked/new") + r.content("a.key"); got != "secret-secret" {
		t.Errorf("content %q", got)
	}
	must(t, read(s, "/open/g"), upload(s, "/open/h", "x", put, nil), s.Remove(t.Context(), "/dir"))
}

// TestNoOverwriteByRace: who may not overwrite does not, however the uploads run.
func TestNoOverwriteByRace(t *testing.T) {
	for mode := range 3 {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) {
				u.Permissions = map[string][]string{"/": {"upload", "list"}}
			})
			a, b := r.open(), r.open()
			x := begin(t, a, "/f", put)
			send(t, x, 10, 0)
			y, err := b.Upload(t.Context(), "/f", put)
			must(t, x.Close())
			if err == nil {
				send(t, y, 20, 0)
				err = y.Close()
			}
			if err == nil {
				t.Error("the second upload replaced the first")
			}
			if got := len(r.content("f")); got != 10 {
				t.Errorf("%d bytes", got)
			}
			r.exact(0)
			if l := r.leftovers(); len(l) > 0 {
				t.Errorf("leftovers %v", l)
			}
		})
	}
}

// TestRecoveryOfStrangeStorage: a storage that is not what it was keeps the server
// from neither starting nor telling what it knows.
func TestRecoveryOfStrangeStorage(t *testing.T) {
	cfg := session.Config{UploadMode: 1}
	setup := func(t *testing.T) *rig {
		r := newRig(t, cfg)
		store := &dyingStore{Store: r.store, dieAt: "settle"}
		r.restart(cfg, store)
		s := r.open()
		must(t, s.Mkdir(t.Context(), "/d"))
		if err := upload(s, "/d/f", "content", put, nil); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		r.restart(cfg, r.store)
		return r
	}
	recovered := func(r *rig, want ...string) {
		r.t.Helper()
		if _, err := r.manager.Recover(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.events()); diff != "" {
			r.t.Error(diff)
		}
	}
	t.Run("not mounted", func(t *testing.T) {
		r := setup(t)
		must(t, os.Rename(r.home, r.home+".away"))
		recovered(r)
		must(t, os.MkdirAll(r.home, 0o755)) // where it will be mounted
		recovered(r)
		must(t, os.Remove(r.home), os.Rename(r.home+".away", r.home))
		recovered(r, "upload.done /d/f 1 7")
		r.exact(0)
	})
	t.Run("no directory any more", func(t *testing.T) {
		r := setup(t)
		must(t, os.RemoveAll(filepath.Join(r.home, "d")))
		r.write("d", "")
		recovered(r)
		if n, err := r.manager.Recover(t.Context()); n != 0 || err != nil {
			t.Errorf("%d intentions are left, %v", n, err)
		}
	})
	t.Run("no account any more", func(t *testing.T) {
		r := setup(t)
		must(t, r.store.Users().Delete(t.Context(), "alice"))
		recovered(r, "upload.failed /d/f 0 0")
		if got := r.usage(); !got.IsZero() {
			t.Errorf("usage %+v", got)
		}
	})
}

// TestCrashUnderWriters: what is written in place when the process dies is counted
// once, whatever happened to the file before.
func TestCrashUnderWriters(t *testing.T) {
	tests := map[string]func(t *testing.T, a, b *session.Session){
		"nothing": func(*testing.T, *session.Session, *session.Session) {},
		"another writer has closed": func(t *testing.T, _, b *session.Session) {
			tr := begin(t, b, "/d/f", inPlace)
			send(t, tr, 30, 0)
			must(t, tr.Close())
		},
		"removed":           func(t *testing.T, _, b *session.Session) { must(t, b.Remove(t.Context(), "/d/f")) },
		"renamed":           func(t *testing.T, _, b *session.Session) { must(t, b.Rename(t.Context(), "/d/f", "/g")) },
		"directory renamed": func(t *testing.T, _, b *session.Session) { must(t, b.Rename(t.Context(), "/d", "/e")) },
		"truncated": func(t *testing.T, _, b *session.Session) {
			must(t, b.SetAttrs(t.Context(), "/d/f", vfs.Attrs{Size: ptr(int64(1))}))
		},
		"removed and made again": func(t *testing.T, _, b *session.Session) {
			must(t, b.Remove(t.Context(), "/d/f"), upload(b, "/d/f", "other", put, nil))
		},
		"replaced": func(t *testing.T, _, b *session.Session) {
			must(t, upload(b, "/g", "other", put, nil), b.Rename(t.Context(), "/g", "/d/f"))
		},
	}
	for name, between := range tests {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, new %v", name, !old), func(t *testing.T) {
				r := newRig(t, session.Config{})
				a, b := r.open(), r.open()
				must(t, a.Mkdir(t.Context(), "/d"))
				if old {
					must(t, upload(a, "/d/f", "0123456789", put, nil))
				}
				tr := begin(t, a, "/d/f", inPlace)
				send(t, tr, 20, 0)
				between(t, a, b)
				send(t, tr, 25, 0)
				r.restart(session.Config{}, r.store)
				if _, err := r.manager.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.exact(0)
			})
		}
	}
}

// TestEndWaitsForPiece: what is still on its way from a socket when a session is
// ended is either counted or not stored.
func TestEndWaitsForPiece(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode})
		client, err := net.Dial("tcp", l.Addr().String())
		must(t, err)
		server, err := l.Accept()
		must(t, err)
		s := r.open()
		tr := begin(t, s, "/f", put)
		send(t, tr, 10, 0)
		copied, ended := make(chan struct{}), make(chan struct{})
		go func() { defer close(copied); _, _ = tr.ReadFrom(server) }()
		time.Sleep(10 * time.Millisecond) // it waits for the client
		go func() { defer close(ended); _ = s.Close() }()
		for s.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond) // Close has come to the transfer
		_, err = client.Write(make([]byte, 1000))
		must(t, err, client.Close())
		<-copied
		<-ended
		must(t, server.Close())
		r.exact(0)
	}
}

// TestOutcomesKeepTheirOrder: an outcome that the store did not take comes before
// later ones of the file.
func TestOutcomesKeepTheirOrder(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	store := &dyingStore{Store: r.store, dieAt: "settle"}
	r.restart(session.Config{UploadMode: 1}, store)
	s := r.open()
	for _, content := range []string{"1", "22"} {
		if err := upload(s, "/f", content, put, nil); !errors.Is(err, errDead) && !errors.Is(err, dataprovider.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	store.dieAt = ""
	must(t, upload(s, "/f", "333", put, nil))
	if diff := cmp.Diff([]string{"upload.done /f 1 1", "upload.done /f 1 2", "upload.done /f 1 3"}, r.events()); diff != "" {
		t.Error(diff)
	}
	r.exact(0)
}
