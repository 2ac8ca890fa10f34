package sshd

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func newSigner(t *testing.T, make func() (crypto.Signer, error)) ssh.Signer {
	t.Helper()
	key, err := make()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// hostCert signs a certificate for the key of a host.
func hostCert(t *testing.T, key ssh.PublicKey, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	authority := newSigner(t, func() (crypto.Signer, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err })
	c := &ssh.Certificate{Key: key, CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHostSigners(t *testing.T) {
	ed := newSigner(t, func() (crypto.Signer, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err })
	ec := newSigner(t, func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
	r := newSigner(t, func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	keys := []ssh.Signer{r, ec, ed}
	certificates := []*ssh.Certificate{hostCert(t, r.PublicKey(), nil), hostCert(t, ed.PublicKey(), nil)}
	for _, tt := range []struct {
		name       string
		algorithms []string
		want       []string // format: algorithms
	}{
		{"default", modern(true).hostKeys, []string{
			"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519",
			"ssh-rsa-cert-v01@openssh.com: rsa-sha2-256 rsa-sha2-512", "ssh-rsa: rsa-sha2-256 rsa-sha2-512", "ecdsa-sha2-nistp256",
		}},
		{"legacy", legacy(true).hostKeys, []string{
			"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519",
			"ssh-rsa-cert-v01@openssh.com: rsa-sha2-256 rsa-sha2-512 ssh-rsa", "ssh-rsa: rsa-sha2-256 rsa-sha2-512 ssh-rsa", "ecdsa-sha2-nistp256",
		}},
		{"a list", []string{"ecdsa-sha2-nistp256", "rsa-sha2-512", "ssh-ed25519"}, []string{"ecdsa-sha2-nistp256", "ssh-rsa", "ssh-ed25519"}},
		{"certificates only", []string{"rsa-sha2-256-cert-v01@openssh.com"}, []string{"ssh-rsa-cert-v01@openssh.com"}},
	} {
		signers, err := hostSigners(keys, certificates, tt.algorithms, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []string
		for _, s := range signers {
			text := s.PublicKey().Type()
			if m, ok := s.(ssh.MultiAlgorithmSigner); ok && len(m.Algorithms()) != 1 {
				text += ": " + strings.Join(m.Algorithms(), " ")
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if _, err := hostSigners(keys, nil, []string{"ecdsa-sha2-nistp521"}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no key fits: no error")
	}
}

func TestHostCertificates(t *testing.T) {
	ed := newSigner(t, func() (crypto.Signer, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err })
	other := newSigner(t, func() (crypto.Signer, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err })
	dir := t.TempDir()
	write := func(name string, key ssh.PublicKey) {
		if err := os.WriteFile(filepath.Join(dir, name), ssh.MarshalAuthorizedKey(key), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("good", hostCert(t, ed.PublicKey(), nil))
	write("old", hostCert(t, ed.PublicKey(), func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Hour).Unix()) }))
	write("user", hostCert(t, ed.PublicKey(), func(c *ssh.Certificate) { c.CertType = ssh.UserCert }))
	write("foreign", hostCert(t, other.PublicKey(), nil))
	write("key", ed.PublicKey())
	for name, want := range map[string]string{
		"good": "", "old": "not valid at this time", "user": "is not the certificate of a host",
		"foreign": "is not among the host keys", "key": "is a key, not a certificate", "missing": "no such file",
	} {
		var log bytes.Buffer
		list, err := hostCertificates(dir, []string{name}, []ssh.Signer{ed}, slog.New(slog.NewTextHandler(&log, nil)))
		text := log.String()
		if err != nil {
			text = err.Error()
			if !strings.Contains(text, filepath.Join(dir, name)) {
				t.Errorf("%s is not named in: %s", name, text)
			}
		} else if len(list) != 1 {
			t.Errorf("%s: %d certificates", name, len(list))
		}
		if !strings.Contains(text, want) || want == "" && text != "" {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
	}
}

// TestHostCertificateIsShown: a client that trusts the authority alone comes in.
func TestHostCertificateIsShown(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "id_ed25519")
	if err := makeHostKey(keyFile, generateEd25519, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	key, err := loadHostKey(keyFile, 2048, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := hostCert(t, key.PublicKey(), nil)
	if err := os.WriteFile(keyFile+"-cert.pub", ssh.MarshalAuthorizedKey(c), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.HostKeys, cfg.HostCertificates = []string{"id_ed25519"}, []string{"id_ed25519-cert.pub"}
	l := serveEverybody(t, cfg, dir)
	checker := &ssh.CertChecker{IsHostAuthority: func(k ssh.PublicKey, _ string) bool { return sameKey(k, c.SignatureKey) }}
	client, err := ssh.Dial("tcp", l, &ssh.ClientConfig{
		User: "u", Auth: []ssh.AuthMethod{ssh.Password("p")}, HostKeyCallback: checker.CheckHostKey, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}
