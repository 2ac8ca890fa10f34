//go:build unix

package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certify makes the certificate of the server, which is its own authority, for
// "localhost" and no other name or address.
func (s *Server) certify(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "PostgreSQL of a test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.keep(t, s.Authority(), "CERTIFICATE", certificate)
	s.keep(t, s.privateKey(), "PRIVATE KEY", private)
}

// Authority is the file with the certificate of the server, which is signed by itself.
func (s *Server) Authority() string { return filepath.Join(s.dir, "server.crt") }

func (s *Server) privateKey() string { return filepath.Join(s.dir, "server.key") }

// keep writes a file that only the server may read.
func (s *Server) keep(t testing.TB, path, kind string, block []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: block})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.account == nil {
		return
	}
	if err := os.Chown(path, int(s.account.Uid), int(s.account.Gid)); err != nil {
		t.Fatal(err)
	}
}
