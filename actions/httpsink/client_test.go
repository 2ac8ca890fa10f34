package httpsink_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions/httpsink"
	"sftpgo/actions/sinktest"
)

// newTLSEndpoint demands a client certificate of pool, unless that is nil, and
// writes its own certificate to dir/ca.pem.
func newTLSEndpoint(t *testing.T, dir string, pool *x509.CertPool) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pool != nil && (len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "sftpgo") {
			w.WriteHeader(403)
		}
	}))
	srv.TLS = &tls.Config{ClientCAs: pool}
	if pool != nil {
		srv.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", srv.Certificate().Raw)
	return srv
}

// newClientCertificate writes cert.pem and key.pem to dir.
func newClientCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "sftpgo"},
		NotAfter:              time.Now().Add(time.Hour),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", pkcs8)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool := newClientCertificate(t, dir)
	open := newTLSEndpoint(t, dir, nil)
	guarded := newTLSEndpoint(t, dir, pool) // httptest has one certificate for all
	pair := []httpsink.KeyPair{{Cert: "cert.pem", Key: "key.pem"}}
	absolute := []httpsink.KeyPair{{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}}
	for _, c := range []struct {
		name string
		url  string
		cfg  httpsink.Config
		want string // of the error
	}{
		{"unknown authority", open.URL, httpsink.Config{}, "certificate"},
		{"ca_certificates", open.URL, httpsink.Config{CACertificates: []string{"ca.pem"}}, ""},
		{"skip_tls_verify", open.URL, httpsink.Config{SkipTLSVerify: true}, ""},
		{"certificate missing", guarded.URL, httpsink.Config{CACertificates: []string{"ca.pem"}}, "certificate"},
		{"certificate", guarded.URL, httpsink.Config{CACertificates: []string{"ca.pem"}, Certificates: pair}, ""},
		{"absolute names", guarded.URL, httpsink.Config{CACertificates: []string{filepath.Join(dir, "ca.pem")}, Certificates: absolute}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Timeout = 20
			client, err := httpsink.NewClient(c.cfg, dir)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s, err := httpsink.New(client, c.url, sinktest.Format{}, httpsink.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Deliver(t.Context(), sinktest.Event("01A", "/a"))
			if c.want == "" && err != nil {
				t.Error(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func TestNewClientReportsAllFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := httpsink.DefaultConfig()
	cfg.CACertificates = []string{"missing.pem", "empty.pem"}
	cfg.Certificates = []httpsink.KeyPair{{Cert: "empty.pem", Key: "missing.pem"}}
	_, err := httpsink.NewClient(cfg, dir)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"ca_certificates.0: ", "ca_certificates.1: ", "certificates.0: ", "has no PEM certificate"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := httpsink.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	data, err := json.Marshal(httpsink.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"timeout":20,"retry_wait_min":2,"retry_wait_max":30,"retry_max":3,"ca_certificates":[],"certificates":[],"skip_tls_verify":false}`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Error(d)
	}
	bad := httpsink.Config{
		RetryWaitMin: -1, RetryWaitMax: -1, RetryMax: -1,
		CACertificates: []string{""}, Certificates: []httpsink.KeyPair{{Cert: "x"}},
	}
	err = bad.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range []string{"timeout", "retry_wait_min", "retry_wait_max", "retry_max", "ca_certificates.0", "certificates.0"} {
		if !strings.Contains(err.Error(), key+":") {
			t.Errorf("%q does not name %s", err, key)
		}
	}
}
