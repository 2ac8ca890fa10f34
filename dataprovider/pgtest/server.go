//go:build unix

// Package pgtest runs a PostgreSQL server for tests: Debian's, with a data
// directory and a port of its own.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// The one user and the one database of a server.
const (
	User     = "sftpgo"
	Password = `it's a "secret" \ of tests`
	Database = "files"
)

// patience is how long a busy machine may take for one step.
const patience = 60 * time.Second

// Server is a running PostgreSQL. Nothing that it writes survives a loss of power.
type Server struct {
	Port int

	dir     string
	bin     string // directory of the programs
	options []string
	account *syscall.Credential // nil: that of the tests
	cmd     *exec.Cmd
	stdin   io.Closer // its end ends the server
	log     bytes.Buffer
	schemas atomic.Int64
}

// Start starts a server that ends with the test; options are those of postgresql.conf,
// such as "max_connections=20". Without PostgreSQL the test is skipped, and
// fails where CI is true.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	s := &Server{bin: programs(t), options: options}
	if os.Geteuid() == 0 {
		s.account = unprivileged(t)
	}
	dir, err := os.MkdirTemp("", "pg") // short: it is a part of the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.dir = dir
	if s.account != nil {
		if err := os.Chown(dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.init(t)
	s.certify(t)
	s.Port = freePort(t)
	s.Up(t)
	t.Cleanup(func() { s.Down(t) })
	s.exec(t, "postgres", "CREATE DATABASE "+Database)
	return s
}

func programs(t testing.TB) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if found, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(found)
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no PostgreSQL: .ci/clients installs it")
	}
	t.Skip("no PostgreSQL: make clients installs it")
	return ""
}

// unprivileged is the account of Debian's package: root may not run the server.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setpgid: true}
	return cmd
}

func (s *Server) init(t testing.TB) {
	t.Helper()
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(Password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// md5 costs little where connections come and go. The order of a language, so that nothing depends on that of bytes by chance.
	out, err := s.command(t.Context(), filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", User, "--pwfile", secret,
		"--auth", "md5", "--encoding", "UTF8", "--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Up starts the server again after Down, on its port.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	args := []string{filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port)}
	for _, o := range append([]string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + s.dir, "fsync=off", "full_page_writes=off",
		"shared_buffers=32MB", "max_connections=60", "log_min_messages=warning",
		"ssl=on", "ssl_cert_file=" + s.Authority(), "ssl_key_file=" + s.privateKey(),
	}, s.options...) {
		args = append(args, "-c", o)
	}
	// The shell ends the server when its input ends, also because the test was killed.
	const guard = `"$@" & p=$!; cat >/dev/null; kill -QUIT $p; wait $p`
	s.cmd = s.command(context.WithoutCancel(t.Context()), "sh", append([]string{"-c", guard, "sh"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stdin = in
	db := s.open(t, s.URL("postgres", nil))
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := db.PingContext(t.Context())
		if err == nil {
			return
		}
		if time.Since(start) > patience {
			s.Down(t)
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.log.String())
		}
	}
}

// Down ends the server at once, as a crash would, and all its connections.
func (s *Server) Down(t testing.TB) {
	if s.cmd == nil {
		return
	}
	if err := s.stdin.Close(); err != nil {
		t.Error(err)
	}
	_ = s.cmd.Wait() // it was told to end
	s.cmd = nil
}

// URL is a connection string for a database of the server, with parameters.
func (s *Server) URL(database string, parameters map[string]string) string {
	text := fmt.Sprintf(`host=127.0.0.1 port=%d user=%s password='%s' dbname=%s`, s.Port, User,
		strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(Password), database)
	for key, value := range parameters {
		text += fmt.Sprintf(" %s='%s'", key, value)
	}
	return text
}

// Schema makes an empty schema and returns a connection string for it.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := "s" + strconv.FormatInt(s.schemas.Add(1), 10)
	s.exec(t, Database, "CREATE SCHEMA "+name)
	return s.URL(Database, map[string]string{"search_path": name})
}

// Exec runs statements in what a connection string leads to.
func (s *Server) Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	db := s.open(t, url)
	defer db.Close()
	for _, q := range statements {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// Query reads the one row of a query.
func (s *Server) Query(t testing.TB, url, query string, dest ...any) {
	t.Helper()
	db := s.open(t, url)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(dest...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *Server) exec(t testing.TB, database, statement string) {
	t.Helper()
	s.Exec(t, s.URL(database, nil), statement)
}

func (s *Server) open(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
