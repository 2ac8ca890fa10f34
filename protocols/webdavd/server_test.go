package webdavd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// TestStop: a running upload ends in peace, new clients are not let in.
func TestStop(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	c := r.raw(t, "PUT", "/f", 10)
	if _, err := io.WriteString(c, "01234"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	address := strings.TrimPrefix(r.url, "http://")
	for range 200 {
		probe, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = probe.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("still listening")
	}
	if _, err := io.WriteString(c, "56789"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 201 ") {
		t.Errorf("answer %q, %v", answer, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"upload.done /f 1 10"}, r.events()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if active, _ := r.metrics.sessions(); active != 0 {
		t.Errorf("%d sessions left", active)
	}
}

// TestStopWaits: how long running requests may go on is for the session manager
// to say; then they are cut, and are failed uploads. Who has not logged in is sent
// away at once.
func TestStopWaits(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	stranger := r.dial("PUT /g HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
	c := r.raw(t, "PUT", "/f", 10)
	if _, err := io.WriteString(c, "01234"); err != nil {
		t.Fatal(err)
	}
	for active := 0; active == 0; active, _ = r.metrics.sessions() {
		time.Sleep(10 * time.Millisecond)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	if !ended(stranger) {
		t.Error("a stranger is waited for")
	}
	select {
	case err := <-stopped:
		t.Fatalf("a running upload was not waited for: %v", err)
	case <-time.After(3 * time.Second):
	}
	limit, cancel := contextWithTimeout(t, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	r.manager.Shutdown(limit)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	if events := r.events(); len(events) != 1 || !strings.HasPrefix(events[0], "upload.failed /f 0") {
		t.Errorf("events %v", events)
	}
}

// selfSigned writes a certificate for 127.0.0.1 and returns its pool.
func selfSigned(t *testing.T, dir, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, content := range map[string][]byte{
		"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	pool := selfSigned(t, dir, "first")
	r := newRig(t, session.Config{})
	cfg := webdavd.Config{CertificateFile: "cert.pem", CertificateKeyFile: "key.pem"}
	r.serve(slog.New(slog.DiscardHandler), cfg, webdavd.Binding{EnableHTTPS: true}, dir)
	address := strings.TrimPrefix(r.url, "https://")

	dial := func(pool *x509.CertPool, highest uint16) (string, error) {
		c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, MaxVersion: highest, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			return "", err
		}
		defer c.Close()
		st := c.ConnectionState()
		return st.PeerCertificates[0].Subject.CommonName + " " + st.NegotiatedProtocol, nil
	}
	if got, err := dial(pool, 0); err != nil || got != "first http/1.1" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := dial(pool, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	curl := client(t, "curl")
	run(t, dir, "", curl, "-sS", "--fail", "--cacert", "cert.pem", "-u", "alice:"+password, "-T", "cert.pem", r.url+"/f")
	if r.content("f") == "-" {
		t.Error("nothing was uploaded")
	}

	second := selfSigned(t, dir, "second")
	if err := r.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if got, err := dial(second, 0); err != nil || got != "second http/1.1" {
		t.Errorf("after Reload: %q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Reload(); err == nil {
		t.Error("a broken certificate was accepted")
	}
	if _, err := dial(second, 0); err != nil {
		t.Errorf("the old certificate is gone: %v", err)
	}
	if _, err := webdavd.New(cfg, webdavd.Binding{EnableHTTPS: true}, dir, nil, nil, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("New accepts a broken certificate")
	}
}
