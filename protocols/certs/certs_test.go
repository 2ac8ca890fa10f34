package certs_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/certs"
)

func load(t *testing.T, f certs.Files) *certs.Loaded {
	t.Helper()
	l, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSelfSigned(t *testing.T) {
	f := certs.Files{Dir: t.TempDir(), SelfSigned: "own.pem"}
	file := filepath.Join(f.Dir, "own.pem")
	first := load(t, f)
	if own := first.SelfSigned; own == nil || !own.Made || own.NotKept != nil || own.File != file {
		t.Errorf("%+v", first.SelfSigned)
	}
	leaf := first.Certificate.Leaf
	if err := leaf.VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
	if err := leaf.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
	print := certs.Fingerprint(first.Certificate)
	if len(print) != 95 || strings.Count(print, ":") != 31 {
		t.Errorf("fingerprint %q", print)
	}
	again := load(t, f)
	if again.SelfSigned.Made || certs.Fingerprint(again.Certificate) != print {
		t.Error("made anew")
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil || !strings.Contains(err.Error(), "own.pem") {
		t.Errorf("a damaged file: %v", err)
	}
}

// A certificate that cannot be kept is better than none.
func TestSelfSignedWithoutPlace(t *testing.T) {
	l := load(t, certs.Files{Dir: filepath.Join(t.TempDir(), "missing"), SelfSigned: "own.pem"})
	if l.SelfSigned == nil || l.SelfSigned.NotKept == nil || l.Certificate.PrivateKey == nil {
		t.Errorf("%+v", l.SelfSigned)
	}
}

func TestFilesWithFaults(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "text": "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []certs.Files{
		{Certificate: "missing", Key: "missing"},
		{Certificate: "empty", Key: "empty"},
		{SelfSigned: "own.pem", Authorities: []string{"missing"}},
		{SelfSigned: "own.pem", Authorities: []string{"empty"}},
		{SelfSigned: "own.pem", Revoked: []string{"missing"}},
		{SelfSigned: "own.pem", Revoked: []string{"empty"}},
		{SelfSigned: "own.pem", Revoked: []string{"text"}},
	} {
		f.Dir = dir
		if _, err := f.Load(); err == nil {
			t.Errorf("%+v was loaded", f)
		}
	}
}

func TestSettings(t *testing.T) {
	ids, unknown := certs.Suites([]string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_SHA", "x"})
	if len(ids) != 1 || ids[0] != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 || strings.Join(unknown, " ") != "TLS_RSA_WITH_RC4_128_SHA x" {
		t.Errorf("%v, %v", ids, unknown)
	}
	for setting, want := range map[int]uint16{0: tls.VersionTLS12, 12: tls.VersionTLS12, 13: tls.VersionTLS13} {
		if got, ok := certs.MinVersion(setting); got != want || !ok {
			t.Errorf("min_tls_version %d: %x", setting, got)
		}
	}
	if _, ok := certs.MinVersion(11); ok {
		t.Error("TLS 1.1")
	}
	for setting, want := range map[int]tls.ClientAuthType{0: tls.NoClientCert, 1: tls.RequireAndVerifyClientCert, 2: tls.VerifyClientCertIfGiven} {
		if got, ok := certs.ClientAuth(setting); got != want || !ok {
			t.Errorf("client_auth_type %d: %v", setting, got)
		}
	}
	if _, ok := certs.ClientAuth(3); ok {
		t.Error("client_auth_type 3")
	}
}
