package telemetry_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
	"sftpgo/protocols"
	"sftpgo/protocols/telemetry"
)

var _ protocols.Server = (*telemetry.Server)(nil)

func healthy(context.Context) error { return nil }

// rig is a server that runs until the test ends.
type rig struct {
	t      *testing.T
	server *telemetry.Server
	addr   net.Addr
	client *http.Client
	scheme string
}

func start(t *testing.T, m *telemetry.Metrics, health func(context.Context) error, cfg telemetry.Config) *rig {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	hasher := password.NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
	server, err := telemetry.New(m, health, hasher, slog.New(slog.DiscardHandler), cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := cfg.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	addr := listener.Addr()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, addr.Network(), addr.String())
		},
		DisableKeepAlives: true,
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	r := &rig{t: t, server: server, addr: addr, client: &http.Client{Transport: transport}, scheme: "http"}
	if cfg.CertificateFile != "" {
		r.scheme = "https"
	}
	return r
}

// get returns status and body.
func (r *rig) get(path, user, secret string) (int, string) {
	r.t.Helper()
	response := r.do(path, user, secret)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (r *rig) do(path, user, secret string) *http.Response {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.scheme+"://telemetry"+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, secret)
	}
	response, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	return response
}

func loopback() telemetry.Config { return telemetry.Config{BindAddress: "127.0.0.1"} }

func TestHealth(t *testing.T) {
	var down atomic.Bool
	r := start(t, telemetry.NewMetrics(), func(context.Context) error {
		if down.Load() {
			return errors.New("secret path /var/lib/x")
		}
		return nil
	}, loopback())
	if status, body := r.get("/healthz", "", ""); status != http.StatusOK || body != "ok" {
		t.Errorf("%d %q", status, body)
	}
	down.Store(true)
	if status, body := r.get("/healthz", "", ""); status != http.StatusServiceUnavailable || body != "data store unavailable" {
		t.Errorf("%d %q", status, body)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/debug/vars"} {
		if status, _ := r.get(path, "", ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestProfiler(t *testing.T) {
	cfg := loopback()
	cfg.EnableProfiler = true
	r := start(t, telemetry.NewMetrics(), healthy, cfg)
	for path, text := range map[string]string{
		"/debug/pprof/":                  "heap",
		"/debug/pprof/goroutine?debug=1": "goroutine profile",
		"/debug/pprof/cmdline":           "telemetry",
		"/debug/vars":                    "memstats",
	} {
		if status, body := r.get(path, "", ""); status != http.StatusOK || !strings.Contains(body, text) {
			t.Errorf("%s: %d, no %q", path, status, text)
		}
	}
}

func TestUsersFile(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("alpha"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	bcryptBody := strings.TrimPrefix(string(hash), "$2a$")
	path := filepath.Join(t.TempDir(), "htpasswd")
	lines := []string{
		"# users", "",
		"a:$2a$" + bcryptBody, "b:$2b$" + bcryptBody, "y:$2y$" + bcryptBody, "x:$2x$" + bcryptBody, "old:$2$" + bcryptBody,
		"apr:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", // openssl's and htpasswd's manual: "myPassword"
		"sha:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=", "nonsense",
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := loopback()
	cfg.AuthUserFile = path
	r := start(t, telemetry.NewMetrics(), healthy, cfg)
	for _, tt := range []struct {
		user, secret string
		want         int
	}{
		{"", "", 401}, {"a", "alpha", 200}, {"b", "alpha", 200}, {"y", "alpha", 200}, {"x", "alpha", 200}, {"old", "alpha", 200},
		{"a", "beta", 401}, {"a", "", 401}, {"nobody", "alpha", 401}, {"sha", "admin", 401}, {"apr", "myPassword", 200},
	} {
		if status, _ := r.get("/metrics", tt.user, tt.secret); status != tt.want {
			t.Errorf("%s/%s: %d, want %d", tt.user, tt.secret, status, tt.want)
		}
	}
	if status, _ := r.get("/healthz", "", ""); status != http.StatusOK {
		t.Errorf("/healthz is not open: %d", status)
	}
	response := r.do("/metrics", "", "")
	response.Body.Close()
	if got := response.Header.Get("WWW-Authenticate"); !strings.Contains(got, `realm="SFTPGo telemetry"`) {
		t.Errorf("challenge %q", got)
	}

	if err := os.WriteFile(path, []byte("new:$2a$"+bcryptBody+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.get("/metrics", "new", "alpha"); status != http.StatusOK {
		t.Errorf("the changed file is not read: %d", status)
	}
	if status, _ := r.get("/metrics", "a", "alpha"); status != http.StatusUnauthorized {
		t.Errorf("a removed user gets in: %d", status)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.get("/metrics", "new", "alpha"); status != http.StatusOK {
		t.Errorf("the users are lost with the file: %d", status)
	}
}

func TestMissingFilesStopTheStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, cfg := range map[string]telemetry.Config{
		"users":       {AuthUserFile: missing},
		"certificate": {CertificateFile: missing, CertificateKeyFile: missing},
	} {
		if _, err := telemetry.New(telemetry.NewMetrics(), healthy, nil, slog.New(slog.DiscardHandler), cfg); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// certify writes a certificate of that serial number.
func certify(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReloadCertificate(t *testing.T) {
	dir := t.TempDir()
	cfg := loopback()
	cfg.CertificateFile, cfg.CertificateKeyFile = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	cfg.TLSCipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
	certify(t, cfg.CertificateFile, cfg.CertificateKeyFile, 1)
	r := start(t, telemetry.NewMetrics(), healthy, cfg)
	serial := func() int64 {
		t.Helper()
		response := r.do("/healthz", "", "")
		response.Body.Close()
		return response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	certify(t, cfg.CertificateFile, cfg.CertificateKeyFile, 2)
	if err := r.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after Reload", n)
	}
	if err := os.Remove(cfg.CertificateKeyFile); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Reload(); err == nil {
		t.Error("Reload without a key succeeds")
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after a failed Reload", n)
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := telemetry.Config{BindAddress: path}
	if !cfg.Enabled() {
		t.Error("a socket is not enabled")
	}
	r := start(t, telemetry.NewMetrics(), healthy, cfg)
	if status, _ := r.get("/healthz", "", ""); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if _, err := cfg.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("the socket of a running server is taken over: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (telemetry.Config{BindAddress: file}).Listen(t.Context()); err == nil {
		t.Error("a file is replaced by the socket")
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	bad := telemetry.Config{BindPort: 70000, CertificateFile: "x", TLSCipherSuites: []string{"TLS_AES_128_GCM_SHA256", "rot13"}}
	err := bad.Validate()
	for _, text := range []string{"bind_port: 70000", "certificate_file: set it", `tls_cipher_suites.1: "rot13"`} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("no %q in %v", text, err)
		}
	}
	if (telemetry.Config{BindAddress: "127.0.0.1"}).Enabled() {
		t.Error("port 0 is enabled")
	}
}

// A profiler that others than this machine can reach without a password is served,
// as ever, and the log says so.
func TestOpenProfilerIsReported(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cfg  telemetry.Config
		warn bool
	}{
		{telemetry.Config{BindPort: 1, EnableProfiler: true}, true},
		{telemetry.Config{BindPort: 1, BindAddress: "192.0.2.1", EnableProfiler: true}, true},
		{telemetry.Config{BindPort: 1, BindAddress: "192.0.2.1", EnableProfiler: true, AuthUserFile: users}, false},
		{telemetry.Config{BindPort: 1, BindAddress: "192.0.2.1"}, false},
		{telemetry.Config{BindPort: 1, BindAddress: "127.0.0.1", EnableProfiler: true}, false},
		{telemetry.Config{BindPort: 1, BindAddress: "::1", EnableProfiler: true}, false},
		{telemetry.Config{BindAddress: "/run/x", EnableProfiler: true}, false},
	} {
		var log bytes.Buffer
		if _, err := telemetry.New(telemetry.NewMetrics(), healthy, nil, slog.New(slog.NewTextHandler(&log, nil)), tt.cfg); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "enable_profiler"); got != tt.warn {
			t.Errorf("%+v: warning %v", tt.cfg, got)
		}
	}
}
