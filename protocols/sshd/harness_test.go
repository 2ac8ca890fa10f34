package sshd_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

const (
	username = "alice"
	password = "correct horse"
)

// rig is a server on loopback with its storage and what it has recorded.
type rig struct {
	t       testing.TB
	addr    string
	home    string
	conf    string // configuration directory
	store   dataprovider.Store
	manager *session.Manager
	logins  *logins
	log     *syncBuffer
	key     ssh.Signer // of the user
	keyFile string
	hostKey ssh.PublicKey
	stop    func()
}

// setup is what a test may change before the server starts.
type setup struct {
	cfg     sshd.Config
	session session.Config
	user    dataprovider.User
	idle    time.Duration
	factory vfs.Factory
	logger  *slog.Logger
}

func start(t testing.TB, change ...func(*setup)) *rig {
	t.Helper()
	r := &rig{t: t, home: t.TempDir(), conf: t.TempDir(), log: &syncBuffer{}}
	r.writeHostKey()
	r.key, r.keyFile = newKey(t)
	su := setup{
		cfg: sshd.DefaultConfig(),
		user: dataprovider.User{
			ID: 1, Status: 1, Username: username, HomeDir: r.home,
			Permissions: map[string][]string{"/": {"*"}},
		},
		session: session.DefaultConfig(),
		logger:  slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	su.cfg.HostKeys = []string{"hostkey"}
	su.factory = localfs.NewFactory(su.logger)
	for _, f := range change {
		f(&su)
	}
	store := memstore.New(memstore.Config{})
	t.Cleanup(func() { store.Close() })
	r.store = store
	if _, err := store.Users().Put(t.Context(), su.user, 0); err != nil {
		t.Fatal(err)
	}
	r.logins = &logins{user: su.user, key: r.key.PublicKey().Marshal()}
	r.manager = session.NewManager(r.store, hooks{}, []vfs.Factory{su.factory}, noMetrics{}, su.logger, 1, su.session)
	srv, err := sshd.New(su.cfg, r.logins, r.manager, su.idle, "1.2.3", r.conf, su.logger)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.serve(srv, l)
	return r
}

func (r *rig) serve(srv *sshd.Server, l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		grace, end := context.WithTimeout(context.Background(), 5*time.Second)
		defer end()
		r.manager.Shutdown(grace)
		select {
		case err := <-done:
			if err != nil {
				r.t.Errorf("Serve: %v", err)
			}
		case <-time.After(10 * time.Second):
			r.t.Error("Serve does not return")
		}
	})
	r.t.Cleanup(func() {
		r.stop()
		if r.t.Failed() {
			r.t.Logf("server log:\n%s", r.log.String())
		}
	})
}

func (r *rig) writeHostKey() {
	signer, path := newKey(r.t)
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.conf, "hostkey"), text, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.hostKey = signer.PublicKey()
}

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return signer, path
}

func (r *rig) dial(change ...func(*ssh.ClientConfig)) *ssh.Client {
	r.t.Helper()
	c, err := r.tryDial(change...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) tryDial(change ...func(*ssh.ClientConfig)) (*ssh.Client, error) {
	cfg := &ssh.ClientConfig{
		User: username, Auth: []ssh.AuthMethod{ssh.PublicKeys(r.key)},
		HostKeyCallback: ssh.FixedHostKey(r.hostKey), Timeout: 10 * time.Second,
	}
	for _, f := range change {
		f(cfg)
	}
	return ssh.Dial("tcp", r.addr, cfg)
}

func (r *rig) sftp(options ...sftp.ClientOption) *sftp.Client {
	r.t.Helper()
	c, err := sftp.NewClient(r.dial(), options...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// write makes a file in the user's home behind the server's back.
func (r *rig) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.home, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// client runs an OpenSSH client. A missing one is a failure in CI and a skip
// elsewhere.
func (r *rig) client(name, stdin string, args ...string) (stdout, stderr string, err error) {
	r.t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			r.t.Fatalf("%s is not installed", name)
		}
		r.t.Skipf("%s is not installed", name)
	}
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	known := filepath.Join(r.conf, "known_hosts")
	line := fmt.Sprintf("[127.0.0.1]:%s %s", port, ssh.MarshalAuthorizedKey(r.hostKey))
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		r.t.Fatal(err)
	}
	common := []string{
		"-F", "none", "-o", "Port=" + port, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
		"-o", "IdentityFile=" + r.keyFile, "-o", "UserKnownHostsFile=" + known,
	}
	var out, errOut bytes.Buffer
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(common, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

const host = username + "@127.0.0.1"

// logins knows one user.
type logins struct {
	user dataprovider.User
	key  []byte

	mu     sync.Mutex
	closed bool // the account, after the login
	noted  []string
	failed []string
}

func (l *logins) Recheck(_ context.Context, protocol string, remote netip.Addr, id auth.Identity) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || protocol != dataprovider.ProtocolSSH || !remote.IsLoopback() || id.User.Username != l.user.Username {
		return fmt.Errorf("%w: secret reason", auth.ErrRejected)
	}
	return nil
}

func (l *logins) Authenticate(_ context.Context, a auth.Attempt) (auth.Identity, error) {
	id := auth.Identity{User: l.user, Revision: 1, Method: auth.LoginMethod(a.Credential)}
	if a.User == l.user.Username {
		switch c := a.Credential.(type) {
		case auth.Password:
			if c == password {
				return id, nil
			}
		case auth.PublicKey:
			if bytes.Equal(c, l.key) {
				return id, nil
			}
		}
	}
	return auth.Identity{}, fmt.Errorf("%w: secret reason", auth.ErrRejected)
}

func (l *logins) LoggedIn(_ context.Context, a auth.Attempt, id auth.Identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noted = append(l.noted, id.Method+" "+a.User)
}

func (l *logins) LoginFailed(_ context.Context, a auth.Attempt, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, auth.LoginMethod(a.Credential)+" "+a.User)
}

func (l *logins) record() (noted, failed []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noted, l.failed
}

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// eventually waits for what the server does after its answer.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within 5 s", what)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// status returns the code and text that an SFTP request was answered with.
func status(err error) string {
	var st *sftp.StatusError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &st):
		text, _, _ := strings.Cut(strings.TrimPrefix(st.Error(), `sftp: "`), `" (`)
		return fmt.Sprintf("%d %s", st.Code, text)
	case errors.Is(err, os.ErrNotExist):
		return "2"
	case errors.Is(err, os.ErrPermission):
		return "3"
	}
	return err.Error()
}

var _ io.Writer = (*syncBuffer)(nil)
