//go:build unix

package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// The test binary runs itself for what takes another process.
const (
	childTask = "SQLSTORE_TEST_TASK"
	childPath = "SQLSTORE_TEST_PATH"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childTask) {
	case "":
		os.Exit(m.Run())
	case "write":
		childWrite(os.Getenv(childPath))
	case "open":
		childOpen(os.Getenv(childPath))
	case "users":
		childUsers(os.Getenv(childPath))
	case "node":
		childNode(os.Getenv(childPath))
	}
}

func child(t *testing.T, binary, task, path string) *osexec.Cmd {
	t.Helper()
	cmd := osexec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), childTask+"="+task, childPath+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// childWrite settles until it is killed, and prints each settlement that was
// answered.
func childWrite(path string) {
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Exclusive: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1_000_000 {
		id, err := s.Outbox().Begin(ctx, []byte("intention"))
		if err == nil {
			_, err = s.Outbox().Settle(ctx, id, dataprovider.Settlement{
				EventID: fmt.Sprint(i), Event: []byte("event"), Keys: []string{fmt.Sprint("/", i%7)},
				Targets: []string{"hook"}, Owner: "alice", Delta: dataprovider.Amount{Files: 1},
			})
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("settled", i)
	}
}

func childOpen(path string) {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Path: path})
	if err != nil {
		fmt.Println(errors.Is(err, dataprovider.ErrUnavailable), err)
		return
	}
	fmt.Println("opened")
	_ = s.Close()
}

// childUsers changes a user, and prints each revision that was answered.
func childUsers(path string) {
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, sqlstore.Config{Path: path})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 500 {
		u, rev, err := s.Users().Get(ctx, "alice")
		if err == nil {
			u.UID = i
			rev, err = s.Users().Put(ctx, u, rev)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(rev)
	}
	_ = s.Close()
}

// A server sees each change of a user by another process at once, whatever it has read
// before, and while it commits itself.
func TestUsersOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	if _, err := s.Users().Put(t.Context(), dataprovider.User{Username: "alice"}, 0); err != nil {
		t.Fatal(err)
	}
	cmd := child(t, os.Args[0], "users", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	n := 0
	for ; lines.Scan(); n++ {
		var told dataprovider.Revision
		if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
			t.Fatal(lines.Text())
		}
		u, rev, err := s.Users().Get(t.Context(), "alice")
		if err != nil || rev < told || u.UID < n {
			t.Fatalf("revision %d of uid %d, %v; %d is stored", rev, u.UID, err, told)
		}
		if n%8 == 0 {
			if _, err := s.Usage().Add(t.Context(), "alice", dataprovider.Amount{Bytes: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || n != 500 {
		t.Errorf("%d changes, %v", n, err)
	}
}

// What was answered survives SIGKILL; usage and events never differ; the lock of
// the dead process is free.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	answered := 0
	for round := range 3 {
		cmd := child(t, os.Args[0], "write", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if !strings.HasPrefix(lines.Text(), "settled") {
				t.Fatal(lines.Text())
			}
			answered++
			if n == 50+37*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	usage, err := s.Usage().Get(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	backlog, err := s.Outbox().Backlog(t.Context())
	if err != nil || len(backlog) != 1 {
		t.Fatal(backlog, err)
	}
	// At most one settlement of each round was committed and not answered.
	if usage.Files < int64(answered) || usage.Files > int64(answered)+3 {
		t.Errorf("answered %d, counted %d", answered, usage.Files)
	}
	if backlog[0].Queued != usage.Files {
		t.Errorf("%d deliveries, counted %d", backlog[0].Queued, usage.Files)
	}
	pending := 0
	for _, err := range s.Outbox().Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		pending++
	}
	if pending > 3 {
		t.Errorf("%d intentions are pending, at most one of each round can be", pending)
	}
}

// A database that the user may read but not write is refused at once, not at the
// first change.
func TestReadOnly(t *testing.T) {
	dir, binary := filepath.Dir(filled(t)), os.Args[0]
	if os.Geteuid() == 0 { // root may write anywhere: run as nobody
		public, err := os.MkdirTemp("/var/tmp", "sqlstore")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(public) })
		for _, cp := range [][]string{{"cp", binary, public + "/test"}, {"cp", "-r", dir, public + "/data"}, {"chmod", "-R", "a+rX", public}} {
			if out, err := osexec.CommandContext(t.Context(), cp[0], cp[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
		}
		dir, binary = public+"/data", public+"/test"
	}
	run := func() string {
		cmd := child(t, binary, "open", filepath.Join(dir, "sftpgo.db"))
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	chmod := func(file string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { chmod("", 0o700) })
	check := func(what string) {
		t.Helper()
		out := run()
		if !strings.HasPrefix(out, "true ") || !strings.Contains(out, "permission denied") || strings.Contains(out, "\n") {
			t.Errorf("%s: %q", what, out)
		}
		t.Log(out)
	}
	chmod("sftpgo.db", 0o444)
	chmod("", 0o777)
	check("read-only file")
	chmod("sftpgo.db", 0o666)
	chmod("", 0o555)
	check("read-only directory")
	chmod("", 0o777)
	if out := run(); out != "opened" {
		t.Errorf("writable: %q", out)
	}
	chmod("sftpgo.db", 0)
	check("unreadable file")
}
