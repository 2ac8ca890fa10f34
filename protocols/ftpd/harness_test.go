package ftpd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/password"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

var discard = slog.New(slog.DiscardHandler)

var update = flag.Bool("update", false, "rewrite golden files")

const (
	testUser     = "alice"
	testPassword = "correct horse"
)

// options of a test server; the zero value is a server with the defaults.
type options struct {
	cfg     func(c *ftpd.Config)
	user    func(u *dataprovider.User)
	session func(c *session.Config)
	factory func(f vfs.Factory) vfs.Factory
	tls     bool
}

// server is the whole of it in process: real session layer, store and storage.
type server struct {
	addr    string
	home    string
	certs   string // file with the certificate, "" without TLS
	crl     string // file with the list of revoked client certificates
	cfgDir  string
	events  *recorder
	store   dataprovider.Store
	manager *session.Manager
	ftp     *ftpd.Server
	stop    context.CancelFunc
	done    chan error
}

func start(t testing.TB, o options) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, o, l)
}

func startOn(t testing.TB, o options, l net.Listener) *server {
	t.Helper()
	t.Cleanup(func() { l.Close() })
	dir := t.TempDir()
	s := &server{home: filepath.Join(dir, "home"), cfgDir: dir, events: &recorder{}, store: memstore.New(memstore.Config{}), done: make(chan error, 1)}
	t.Cleanup(func() { s.store.Close() })
	if err := os.Mkdir(s.home, 0o755); err != nil {
		t.Fatal(err)
	}
	hasher := password.NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
	s.addUser(t, hasher, o.user)

	sessions := session.DefaultConfig()
	sessions.UploadMode = 1
	if o.session != nil {
		o.session(&sessions)
	}
	var factory vfs.Factory = localfs.NewFactory(nil)
	if o.factory != nil {
		factory = o.factory(factory)
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("FTPD_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s.manager = session.NewManager(s.store, s.events, []vfs.Factory{factory}, noMetrics{}, log, 1, sessions)

	cfg := ftpd.DefaultConfig()
	cfg.PassivePortRange = ftpd.PortRange{}
	if o.tls {
		s.certs = writeCertificate(t, dir)
		cfg.CertificateFile, cfg.CertificateKeyFile = "cert.pem", "key.pem"
	}
	if o.cfg != nil {
		o.cfg(&cfg)
	}
	var err error
	s.ftp, err = ftpd.New(cfg, 0, auth.New(auth.Config{}, s.store, hasher, noMetrics{}, log), s.manager, "1.2.3", dir, log)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.done <- s.ftp.Serve(ctx, l) }()
	t.Cleanup(func() { s.shutdown(t) })
	return s
}

// shutdown stops the server as serve does and waits for all that it runs.
func (s *server) shutdown(t testing.TB) {
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.manager.Shutdown(ctx)
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("Serve = %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Serve does not return")
	}
}

func (s *server) addUser(t testing.TB, hasher *password.Hasher, change func(u *dataprovider.User)) {
	t.Helper()
	hash, err := hasher.Hash(t.Context(), testPassword)
	if err != nil {
		t.Fatal(err)
	}
	u := dataprovider.User{
		Status: 1, Username: testUser, Password: hash, HomeDir: s.home,
		Permissions: map[string][]string{"/": {dataprovider.PermAny}},
	}
	if change != nil {
		change(&u)
	}
	if _, err := s.store.Users().Put(t.Context(), u, 0); err != nil {
		t.Fatal(err)
	}
}

// path is where a virtual name is on disk.
func (s *server) path(name string) string { return filepath.Join(s.home, filepath.FromSlash(name)) }

func (s *server) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *server) read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// empty checks that the home holds nothing, not even a staged upload.
func (s *server) empty(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(s.home)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

// recorder is a dispatcher that wants everything and keeps it.
type recorder struct {
	mu     sync.Mutex
	events []actions.Event
}

func (r *recorder) Ask(context.Context, *actions.Event) (actions.Verdict, error) {
	return actions.Verdict{}, nil
}

func (r *recorder) Asks(*actions.Event) bool { return false }

func (r *recorder) Header(map[string][]string) map[string][]string { return nil }

// Wants is true, but for what tests here are not about.
func (*recorder) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return false
	}
	return true
}

func (r *recorder) Route(e *actions.Event) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, *e)
	return nil
}

func (r *recorder) Wake() {}

// take waits for n events and returns them; there must be no more.
func (r *recorder) take(t testing.TB, n int) []actions.Event {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		r.mu.Lock()
		if len(r.events) >= n || time.Now().After(deadline) {
			got := r.events
			r.events = nil
			r.mu.Unlock()
			if len(got) != n {
				t.Fatalf("%d events, want %d: %+v", len(got), n, got)
			}
			return got
		}
		r.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
}

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}
func (noMetrics) LoginDone(string, error)                      {}

// writeCertificate makes a self-signed certificate for 127.0.0.1 and returns
// the name of its file.
func writeCertificate(t testing.TB, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "ftp test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", pkcs8)
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der)
	return filepath.Join(dir, "cert.pem")
}

func writePEM(t testing.TB, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
