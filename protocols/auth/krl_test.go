package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

func krlSigner(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keygen runs ssh-keygen, which writes the lists that are read here.
func keygen(t *testing.T, dir string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("ssh-keygen is not installed")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
}

// A list that ssh-keygen makes revokes what it names and nothing else.
func TestKRL(t *testing.T) {
	ca, other, stolen, hashed := krlSigner(t), krlSigner(t), krlSigner(t), krlSigner(t)
	certificate := func(by ssh.Signer, serial uint64, id string) *ssh.Certificate {
		c := &ssh.Certificate{Key: krlSigner(t).PublicKey(), Serial: serial, KeyId: id, CertType: ssh.UserCert}
		if err := c.SignCert(rand.Reader, by); err != nil {
			t.Fatal(err)
		}
		return c
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ca.pub", string(ssh.MarshalAuthorizedKey(ca.PublicKey())))
	spec := "serial: 5\nserial: 100-200\nid: bad id\nkey: " + string(ssh.MarshalAuthorizedKey(stolen.PublicKey())) +
		"sha256: " + string(ssh.MarshalAuthorizedKey(hashed.PublicKey()))
	for i := range 40 {
		spec += fmt.Sprintf("serial: %d\n", 1000+3*i) // dense enough for a bitmap
	}
	write("spec", spec)
	keygen(t, dir, "-k", "-f", "krl", "-s", "ca.pub", "-z", "7", "spec")
	data, err := os.ReadFile(filepath.Join(dir, "krl"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRevocations(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  ssh.PublicKey
		want bool
	}{
		"key":                   {stolen.PublicKey(), true},
		"key by its hash":       {hashed.PublicKey(), true},
		"other key":             {other.PublicKey(), false},
		"serial":                {certificate(ca, 5, ""), true},
		"first of range":        {certificate(ca, 100, ""), true},
		"last of range":         {certificate(ca, 200, ""), true},
		"before range":          {certificate(ca, 99, ""), false},
		"after range":           {certificate(ca, 201, ""), false},
		"bitmap first":          {certificate(ca, 1000, ""), true},
		"bitmap last":           {certificate(ca, 1117, ""), true},
		"bitmap inside":         {certificate(ca, 1030, ""), true},
		"bitmap gap":            {certificate(ca, 1031, ""), false},
		"after bitmap":          {certificate(ca, 1<<40, ""), false},
		"id":                    {certificate(ca, 9, "bad id"), true},
		"other id":              {certificate(ca, 9, "bad"), false},
		"no number":             {certificate(ca, 0, ""), false},
		"serial of another CA":  {certificate(other, 5, "bad id"), false},
		"signed by revoked key": {certificate(stolen, 9, ""), true},
	} {
		if got := r.has(c.key); got != c.want {
			t.Errorf("%s: revoked %v", name, got)
		}
	}
	for n := range data { // whatever is missing, nothing is taken for whole and nothing panics
		if n > len(krlMagic) {
			_, _ = parseRevocations(data[:n])
		}
	}
}

func FuzzRevocations(f *testing.F) {
	f.Add([]byte("SSHKRL\n\x00\x00\x00\x00\x01"))
	f.Add([]byte(`["SHA256:bsBRHC/xgiqBJdSuvSTNpJNLTISP/G356jNMCRYC5Es"]`))
	f.Add([]byte("SHA256:bsBRHC/xgiqBJdSuvSTNpJNLTISP/G356jNMCRYC5Es x\n# y\n"))
	signer := krlSigner(f)
	cert := &ssh.Certificate{Key: signer.PublicKey(), Serial: 1, CertType: ssh.UserCert}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := parseRevocations(data); err == nil {
			r.has(cert)
		}
	})
}
