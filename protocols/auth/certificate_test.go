package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// newCertificate is one for alice that would do, after change.
func newCertificate(t *testing.T, ca ssh.Signer, key ssh.PublicKey, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{
		Key: key, KeyId: "alice@ca", Serial: 7, CertType: ssh.UserCert, ValidPrincipals: []string{"bob", "alice"},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		Permissions: ssh.Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{"permit-pty": ""}},
	}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return c
}

// trusting has the fixture trust ca and refuse what the lines of revoked name.
func (f *fixture) trusting(t *testing.T, ca ssh.PublicKey, revoked string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca"), "# ours\n\ncert-authority "+string(ssh.MarshalAuthorizedKey(ca)))
	write(t, filepath.Join(dir, "revoked"), revoked)
	a, err := auth.LoadAuthorities(dir, []string{"ca"}, "revoked")
	if err != nil {
		t.Fatal(err)
	}
	f.use(auth.Config{Authorities: a})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificates(t *testing.T) {
	ca, other, key := newSigner(t), newSigner(t), newSigner(t)
	option := func(name, value string) func(*ssh.Certificate) {
		return func(c *ssh.Certificate) { c.CriticalOptions[name] = value }
	}
	for name, c := range map[string]struct {
		ca      ssh.Signer
		change  func(*ssh.Certificate)
		revoked func(*ssh.Certificate) string
		reason  string // empty: let in
		command string
	}{
		"plain":            {},
		"for ever":         {change: func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, ssh.CertTimeInfinity }},
		"other authority":  {ca: other, reason: "authority not trusted"},
		"host certificate": {change: func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, reason: "not a user certificate"},
		"other principals": {change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"bob", "alice2", "*"} }, reason: "principals"},
		"no principals":    {change: func(c *ssh.Certificate) { c.ValidPrincipals = nil }, reason: "names no principals"},
		"expired": {change: func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) },
			reason: "expired"},
		"not yet": {change: func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) },
			reason: "not yet valid"},
		"from here":       {change: option("source-address", "198.51.100.0/24,192.0.2.0/24")},
		"from this host":  {change: option("source-address", "192.0.2.7")},
		"from elsewhere":  {change: option("source-address", "198.51.100.0/24,192.0.2.8"), reason: "address 192.0.2.7"},
		"from nowhere":    {change: option("source-address", ""), reason: "address"},
		"from a pattern":  {change: option("source-address", "*"), reason: "address"},
		"command":         {change: option("force-command", "internal-sftp"), command: "internal-sftp"},
		"empty command":   {change: option("force-command", " "), reason: "force-command is empty"},
		"unknown option":  {change: option("verify-required", ""), reason: "verify-required"},
		"unknown too":     {change: option("x@example.com", "1"), reason: "x@example.com"},
		"revoked key":     {revoked: func(c *ssh.Certificate) string { return line(c.Key) }, reason: "revoked"},
		"revoked print":   {revoked: func(c *ssh.Certificate) string { return ssh.FingerprintSHA256(c.Key) + " stolen" }, reason: "revoked"},
		"revoked itself":  {revoked: func(c *ssh.Certificate) string { return line(c) }, reason: "revoked"},
		"revoked JSON":    {revoked: func(c *ssh.Certificate) string { return `["` + ssh.FingerprintSHA256(c) + `"]` }, reason: "revoked"},
		"revoked CA":      {revoked: func(c *ssh.Certificate) string { return line(c.SignatureKey) }, reason: "revoked"},
		"other revoked":   {revoked: func(*ssh.Certificate) string { return "# none of it\n" + line(other.PublicKey()) }},
		"none is revoked": {revoked: func(*ssh.Certificate) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.put(t, "alice", nil)
			signer := ca
			if c.ca != nil {
				signer = c.ca
			}
			cert := newCertificate(t, signer, key.PublicKey(), c.change)
			revoked := ""
			if c.revoked != nil {
				revoked = c.revoked(cert)
			}
			f.trusting(t, ca.PublicKey(), revoked)
			id, err := f.Authenticate(t.Context(), attempt("alice", auth.PublicKey(cert.Marshal())))
			if c.reason != "" {
				wantRejected(t, id, err, c.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if id.ForceCommand != c.command || id.Method != "publickey" {
				t.Errorf("identity: command %q, method %q", id.ForceCommand, id.Method)
			}
			if want := ssh.FingerprintSHA256(key.PublicKey()) + ` ID "alice@ca" serial 7 CA ` + ssh.FingerprintSHA256(ca.PublicKey()); id.Key != want {
				t.Errorf("key %q, want %q", id.Key, want)
			}
			// The key in it is none of the account.
			id, err = f.Authenticate(t.Context(), attempt("alice", blob(key)))
			wantRejected(t, id, err, "not among those of the account")
		})
	}
}

func line(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }

// One that was signed for alice and changed afterwards is worth nothing.
func TestCertificateSignature(t *testing.T) {
	f, ca := newFixture(t), newSigner(t)
	f.put(t, "carol", nil)
	f.trusting(t, ca.PublicKey(), "")
	cert := newCertificate(t, ca, newSigner(t).PublicKey(), nil)
	cert.ValidPrincipals = []string{"carol"}
	id, err := f.Authenticate(t.Context(), attempt("carol", auth.PublicKey(cert.Marshal())))
	wantRejected(t, id, err, "signature does not verify")

	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCA, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	old, err := ssh.NewSignerWithAlgorithms(rsaCA.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	f.put(t, "alice", nil)
	f.trusting(t, rsaCA.PublicKey(), "")
	cert = newCertificate(t, old, newSigner(t).PublicKey(), nil)
	id, err = f.Authenticate(t.Context(), attempt("alice", auth.PublicKey(cert.Marshal())))
	wantRejected(t, id, err, "signed with ssh-rsa")
	cert = newCertificate(t, rsaCA, newSigner(t).PublicKey(), nil)
	if _, err := f.Authenticate(t.Context(), attempt("alice", auth.PublicKey(cert.Marshal()))); err != nil {
		t.Error(err)
	}
}

// Lines of the record vouch for certificates without the server's trust.
func TestCertificatesInTheRecord(t *testing.T) {
	ca, key := newSigner(t), newSigner(t)
	cert := newCertificate(t, ca, key.PublicKey(), nil)
	expired := newCertificate(t, ca, key.PublicKey(), func(c *ssh.Certificate) { c.ValidBefore = 1 })
	for name, c := range map[string]struct {
		line   string
		offer  ssh.PublicKey
		reason string
	}{
		"authority":               {"cert-authority " + keyLine(ca), cert, ""},
		"authority, elsewhere":    {`cert-authority,from="198.51.100.1" ` + keyLine(ca), cert, "address 192.0.2.7"},
		"authority, here":         {`cert-authority,from="192.0.2.*" ` + keyLine(ca), cert, ""},
		"authority, over":         {`cert-authority,expiry-time="20200101Z" ` + keyLine(ca), cert, "expired"},
		"authority, principals":   {`cert-authority,principals="x,bob" ` + keyLine(ca), cert, ""},
		"authority, other names":  {`cert-authority,principals="x,y" ` + keyLine(ca), cert, "principals is x or y"},
		"authority, expired":      {"cert-authority " + keyLine(ca), expired, "expired"},
		"authority, not its key":  {"cert-authority " + keyLine(ca), ca.PublicKey(), "authority, which lets nobody in"},
		"the authority's own key": {keyLine(ca), cert, "not marked cert-authority"},
		"the key in it":           {keyLine(key), cert, "authority not trusted"},
		"itself":                  {line(cert), cert, ""},
		"itself, elsewhere":       {`from="198.51.100.1" ` + line(cert), cert, "authority not trusted"},
		"itself, expired":         {line(expired), expired, "expired"},
		"itself, not its key":     {line(cert), key.PublicKey(), "not among those"},
		"another of the same key": {line(expired), cert, "authority not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.put(t, "alice", func(u *dataprovider.User) { u.PublicKeys = []string{c.line} })
			f.put(t, "bob", nil)
			id, err := f.Authenticate(t.Context(), attempt("alice", auth.PublicKey(c.offer.Marshal())))
			if c.reason != "" {
				wantRejected(t, id, err, c.reason)
			} else if err != nil {
				t.Error(err)
			}
			id, err = f.Authenticate(t.Context(), attempt("bob", auth.PublicKey(c.offer.Marshal())))
			wantRejected(t, id, err, "")
		})
	}
}

func TestRevokedPlainKey(t *testing.T) {
	f, key := newFixture(t), newSigner(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.PublicKeys = []string{keyLine(key)} })
	f.trusting(t, newSigner(t).PublicKey(), ssh.FingerprintSHA256(key.PublicKey()))
	id, err := f.Authenticate(t.Context(), attempt("alice", blob(key)))
	wantRejected(t, id, err, "revoked")
}

func TestReloadAuthorities(t *testing.T) {
	f, key, dir := newFixture(t), newSigner(t), t.TempDir()
	f.put(t, "alice", func(u *dataprovider.User) { u.PublicKeys = []string{keyLine(key)} })
	ca, revoked := filepath.Join(dir, "ca"), filepath.Join(dir, "revoked")
	write(t, ca, keyLine(newSigner(t)))
	write(t, revoked, "")
	a, err := auth.LoadAuthorities("/nowhere", []string{ca}, revoked)
	if err != nil {
		t.Fatal(err)
	}
	f.use(auth.Config{Authorities: a})
	allowed := func() bool {
		_, err := f.Authenticate(t.Context(), attempt("alice", blob(key)))
		return err == nil
	}
	if !allowed() {
		t.Error("refused before it is revoked")
	}
	write(t, revoked, keyLine(key))
	if err := a.Reload(); err != nil || allowed() {
		t.Errorf("after the revocation: %v", err)
	}
	write(t, revoked, "SHA256:short")
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "line 1") || allowed() {
		t.Errorf("a file at fault: %v; what was in force must stay", err)
	}
}

func TestAuthoritiesAtFault(t *testing.T) {
	good := keyLine(newSigner(t))
	cert := newCertificate(t, newSigner(t), newSigner(t).PublicKey(), nil)
	for name, c := range map[string]struct{ ca, revoked, want string }{
		"empty":           {"# nothing\n", "", "has no key"},
		"garbage":         {good + "\nx", "", "ca:2: not a public key"},
		"certificate":     {line(cert), "", "ca:1: not a public key"},
		"options":         {`from="192.0.2.1" ` + good, "", "ca:1: options have no effect"},
		"no fingerprint":  {good, `["MD5:x"]`, "element 0"},
		"no JSON":         {good, `[`, "not a list"},
		"no KRL":          {good, "SSHKRL\n\x00", "version"},
		"KRL cut off":     {good, "SSHKRL\n\x00\x00\x00\x00\x01", "cut off"},
		"revoked garbage": {good, "\nx", "line 2"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "ca"), c.ca)
		write(t, filepath.Join(dir, "revoked"), c.revoked)
		if _, err := auth.LoadAuthorities(dir, []string{"ca"}, "revoked"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := auth.LoadAuthorities(t.TempDir(), []string{"missing"}, ""); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing file: %v", err)
	}
}
