//go:build unix

package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// filled makes a closed database with some content and returns its path.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		u := dataprovider.User{Username: name, Description: strings.Repeat("x", 20_000)}
		if _, err := s.Users().Put(t.Context(), u, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Each fault is one clear line, and nothing is changed by having met it.
func TestOpenFaults(t *testing.T) {
	const mayPass = true
	tests := []struct {
		name    string
		path    func(t *testing.T) string
		mode    int
		want    string
		mayPass bool
	}{
		{"no name", func(*testing.T) string { return "" }, 0, "no file name", false},
		{"directory", func(t *testing.T) string { return t.TempDir() }, 0, "it is a directory", false},
		{"no directory", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "missing", "sftpgo.db")
		}, 0, "directory", false},
		{"file as directory", func(t *testing.T) string { return filepath.Join(filled(t), "sftpgo.db") }, 0, "is not a directory", false},
		{"device", func(*testing.T) string { return os.DevNull }, 0, "not a regular file", false},
		{"not a database", func(t *testing.T) string {
			return written(t, []byte("users: alice, bob\n"))
		}, 0, "not an SQLite database", false},
		{"long garbage", func(t *testing.T) string {
			return written(t, bytes.Repeat([]byte("garbage "), 10_000))
		}, 0, "not an SQLite database", false},
		{"truncated", func(t *testing.T) string {
			path := filled(t)
			if err := os.Truncate(path, 12_000); err != nil {
				t.Fatal(err)
			}
			return path
		}, 0, "damaged", false},
		{"overwritten in the middle", func(t *testing.T) string {
			path := filled(t)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			copy(b[len(b)/2:], bytes.Repeat([]byte{0xff}, 8192))
			return written(t, b)
		}, 0, "damaged", false},
		{"newer schema", func(t *testing.T) string {
			path := filled(t)
			exec(t, raw(t, path), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
			return path
		}, 0, "newer version of sftpgo (schema 999", false},
		{"of another program", func(t *testing.T) string {
			path := written(t, nil)
			exec(t, raw(t, path), "CREATE TABLE users (id integer, username text)", "CREATE TABLE schema_version (version integer)")
			return path
		}, 0, "of another program", false},
		{"missing, not to be created", func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "sftpgo.db")
		}, 1, "sftpgo initprovider", false},
		{"empty, not to be migrated", func(t *testing.T) string { return written(t, nil) }, 1, "sftpgo initprovider", false},
		{"locked", func(t *testing.T) string {
			path := filled(t)
			exec(t, raw(t, path), "PRAGMA locking_mode = EXCLUSIVE", "BEGIN IMMEDIATE")
			return path
		}, 0, "locked by another process", mayPass},
		{"in use", func(t *testing.T) string {
			path := filled(t)
			openStore(t, sqlstore.Config{Path: path, Exclusive: true})
			return path
		}, 0, "in use by another sftpgo process", mayPass},
		// Not even root may create a file there.
		{"unwritable directory", func(*testing.T) string { return "/sys/sftpgo.db" }, 0, "permission denied", mayPass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.path(t)
			before := snapshot(t, path)
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{
				Path: path, Exclusive: true, UpdateMode: tt.mode, BusyTimeout: 20 * time.Millisecond,
			})
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if msg := err.Error(); !strings.Contains(msg, tt.want) || strings.Contains(msg, "\n") {
				t.Errorf("error %q, want one line with %q", msg, tt.want)
			}
			if got := errors.Is(err, dataprovider.ErrUnavailable); got != tt.mayPass {
				t.Errorf("is ErrUnavailable: %v, want %v (%v)", got, tt.mayPass, err)
			}
			if !bytes.Equal(before, snapshot(t, path)) {
				t.Error("the file was changed")
			}
			t.Log(err)
		})
	}
}

func written(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// snapshot returns the content, or nil for what cannot be read.
func snapshot(t *testing.T, path string) []byte {
	t.Helper()
	if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	// By another process: to close the file here would drop the locks that SQLite
	// holds on it in this one.
	out, err := osexec.CommandContext(t.Context(), "cat", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFileMode(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	if _, err := s.Outbox().Begin(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		fi, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", fi.Name(), fi.Mode())
		}
	}
}

// What was stored is there after a restart, and numbers go on where they were.
func TestReopen(t *testing.T) {
	ctx, cfg := t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "sftpgo.db"), Exclusive: true}
	s, err := sqlstore.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		if _, err := s.Users().Put(ctx, dataprovider.User{Username: name}, 0); err != nil {
			t.Fatal(err)
		}
	}
	bob, _, err := s.Users().Get(ctx, "bob")
	if err := errors.Join(err, s.Users().Delete(ctx, "bob")); err != nil {
		t.Fatal(err)
	}
	pending, err := s.Outbox().Begin(ctx, []byte("intention"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"/a", "/a", "/b"} {
		_, err := s.Outbox().Settle(ctx, 0, dataprovider.Settlement{
			EventID: "e" + key, Event: []byte("x"), Keys: []string{key}, Targets: []string{"hook"},
			Owner: "alice", Delta: dataprovider.Amount{Files: 1, Bytes: 2},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Outbox().Claim(ctx, "hook", 10, time.Hour)
	if err != nil || len(before) != 2 {
		t.Fatal(before, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, cfg)
	if _, err := s.Users().Put(ctx, dataprovider.User{Username: "bob"}, 0); err != nil {
		t.Fatal(err)
	}
	if again, _, _ := s.Users().Get(ctx, "bob"); again.ID <= bob.ID {
		t.Errorf("the new bob has id %d, the old one had %d", again.ID, bob.ID)
	}
	if r, err := s.Usage().Get(ctx, "alice"); err != nil || r.Amount != (dataprovider.Amount{Files: 3, Bytes: 6}) {
		t.Error(r, err)
	}
	for p, err := range s.Outbox().Pending(ctx) {
		if err != nil || p.ID != pending || string(p.Record) != "intention" {
			t.Error(p, err)
		}
	}
	if err := s.Outbox().Release(ctx, "hook"); err != nil {
		t.Fatal(err)
	}
	after, err := s.Outbox().Claim(ctx, "hook", 10, time.Hour)
	if err != nil || len(after) != 2 || after[0].ID != before[0].ID || after[0].Attempt != 2 {
		t.Errorf("claimed %+v, %v; before %+v", after, err, before)
	}
}

// The command line works beside the server, and many first starts at once make
// one database.
func TestSeveralStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range 5 {
				name := string(rune('a' + i))
				if _, err := s.Usage().Add(t.Context(), "shared", dataprovider.Amount{Files: 1}); err != nil {
					t.Error(err)
				}
				if _, err := s.Usage().Add(t.Context(), name, dataprovider.Amount{Files: 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	server := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	cli := openStore(t, sqlstore.Config{Path: path, UpdateMode: 1})
	if r, err := server.Usage().Get(t.Context(), "shared"); err != nil || r.Files != 30 {
		t.Error(r, err)
	}
	if _, err := cli.Users().Put(t.Context(), dataprovider.User{Username: "alice"}, 0); err != nil {
		t.Error(err)
	}
	if _, _, err := server.Users().Get(t.Context(), "alice"); err != nil {
		t.Error("the server does not see what the command line added:", err)
	}
}

// A command line that is newer than the running server must not change the schema
// below it.
func TestMigrateBesideServer(t *testing.T) {
	path := filled(t)
	openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	exec(t, raw(t, path), "DELETE FROM goose_db_version WHERE version_id > 0")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s, err := sqlstore.Open(ctx, sqlstore.Config{Path: path})
	if err == nil {
		_ = s.Close()
		t.Fatal("migrated beside a running server")
	}
	if !strings.Contains(err.Error(), "in use by another sftpgo process") {
		t.Error(err)
	}
}

// While another process holds the write lock, changes fail with a clear error in
// bounded time, reads go on, and all is well afterwards.
func TestBusy(t *testing.T) {
	path := filled(t)
	s := openStore(t, sqlstore.Config{Path: path, BusyTimeout: 30 * time.Millisecond})
	db := raw(t, path)
	exec(t, db, "BEGIN IMMEDIATE")
	for range 2 {
		_, err := s.Outbox().Begin(t.Context(), nil)
		if !errors.Is(err, dataprovider.ErrUnavailable) || !strings.Contains(err.Error(), "locked by another process") {
			t.Errorf("Begin: %v", err)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
	if _, _, err := s.Users().Get(t.Context(), "alice"); err != nil {
		t.Errorf("Get: %v", err)
	}
	exec(t, db, "ROLLBACK")
	if _, err := s.Outbox().Begin(t.Context(), nil); err != nil {
		t.Errorf("Begin after that: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping after that: %v", err)
	}
}

func TestPingNoticesReplacedFile(t *testing.T) {
	path := filled(t)
	s := openStore(t, sqlstore.Config{Path: path})
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
}
