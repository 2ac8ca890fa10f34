package sshd

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func fingerprints(t *testing.T, dir string, files ...string) []string {
	t.Helper()
	signers, err := hostKeys(dir, files, 2048, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range signers {
		list = append(list, s.PublicKey().Type()+" "+ssh.FingerprintSHA256(s.PublicKey()))
	}
	return list
}

func TestHostKeysAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	made := fingerprints(t, dir)
	var kinds []string
	for _, f := range made {
		kind, _, _ := strings.Cut(f, " ")
		kinds = append(kinds, kind)
	}
	if diff := cmp.Diff([]string{"ssh-rsa", "ssh-ed25519"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	for _, name := range []string{"id_rsa", "id_ed25519"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		text, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(text)
		if err != nil || !strings.Contains(strings.Join(made, "\n"), ssh.FingerprintSHA256(public)) {
			t.Errorf("%s.pub: %v", name, err)
		}
	}
	if diff := cmp.Diff(made, fingerprints(t, dir)); diff != "" {
		t.Errorf("second start (-first +second):\n%s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".hostkey-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestHostKeyList(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	absolute := filepath.Join(elsewhere, "id_ed25519")
	if got := fingerprints(t, dir, absolute); len(got) != 1 {
		t.Errorf("absolute id_ed25519: %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"id_ed25519", "other", filepath.Join(elsewhere, "other"), "bad", filepath.Join(elsewhere, "no", "id_rsa")} {
		if _, err := hostKeys(dir, []string{file}, 2048, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", file)
		} else if !strings.Contains(err.Error(), file) {
			t.Errorf("%s: the error does not name it: %v", file, err)
		}
	}
}

// TestECDSAHostKeyOfOldInstallation: no new one is made, but one that is there is
// used, because clients may know the server by it.
func TestECDSAHostKeyOfOldInstallation(t *testing.T) {
	dir := t.TempDir()
	if err := makeHostKey(filepath.Join(dir, "id_ecdsa"), generateECDSA, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(fingerprints(t, dir), "\n")
	for _, kind := range []string{"ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-nistp256 "} {
		if !strings.Contains(got, kind) {
			t.Errorf("no %s in\n%s", kind, got)
		}
	}
}

func TestShortRSAHostKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "short")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	for profile, refused := range map[string]bool{profileModern: true, profileLegacy: false} {
		cfg := DefaultConfig()
		cfg.HostKeys, cfg.AlgorithmProfile = []string{"short"}, profile
		_, err := cfg.transport(dir, slog.New(slog.DiscardHandler))
		if refused != (err != nil) {
			t.Errorf("%s: %v", profile, err)
		}
		if err != nil && !strings.Contains(err.Error(), path+": RSA with 1024 bits is too short, 2048 are needed") {
			t.Error(err)
		}
	}
}
