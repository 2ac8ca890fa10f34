package ftpd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/ftpd"
)

// authority signs the certificates of clients.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a.key = key
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue returns a client certificate for name.
func (a *authority) issue(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(100 + a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// revoke writes a list that names certs; it was due for renewal long ago.
func (a *authority) revoke(t testing.TB, file string, certs ...tls.Certificate) {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-48 * time.Hour), NextUpdate: time.Now().Add(-24 * time.Hour)}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "X509 CRL", der)
}

// startWithAuthority is a server that asks for client certificates.
func startWithAuthority(t *testing.T, a *authority, authType int, user func(u *dataprovider.User)) *server {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, ca, "CERTIFICATE", a.cert.Raw)
	crl := filepath.Join(t.TempDir(), "crl.pem")
	a.revoke(t, crl)
	s := start(t, options{tls: true, user: user, cfg: func(c *ftpd.Config) {
		c.CACertificates, c.CARevocationLists = []string{ca}, []string{crl}
		c.Bindings[0].ClientAuthType = authType
	}})
	s.crl = crl
	return s
}

// with returns what a client needs that has a certificate.
func (s *server) with(t testing.TB, certs ...tls.Certificate) *tls.Config {
	cfg := s.trust(t)
	cfg.Certificates = certs
	return cfg
}

// refusesTLS checks that a handshake fails: in TLS 1.3 the client learns it when
// it reads.
func refusesTLS(t *testing.T, s *server, cfg *tls.Config) {
	t.Helper()
	c := dial(t, s)
	c.cmd(234, "AUTH TLS")
	conn := tls.Client(c.tcp, cfg)
	_, _ = conn.Write([]byte("NOOP\r\n"))
	if n, err := conn.Read(make([]byte, 100)); err == nil {
		t.Errorf("the handshake succeeds, and %d bytes come", n)
	}
}

func byName(u *dataprovider.User) { u.Filters.TLSUsername = "CommonName" }

func TestLoginByCertificate(t *testing.T) {
	a := newAuthority(t, "clients")
	s := startWithAuthority(t, a, 2, byName)
	c := dial(t, s)
	c.authTLS(s.with(t, a.issue(t, testUser)))
	c.cmd(230, "USER %s", testUser)
	roundTrip(t, c)
	c.cmd(503, "PASS x")            // in already
	c.cmd(230, "USER %s", testUser) // another login
	roundTrip(t, c)

	c = dial(t, s)
	c.authTLS(s.with(t, a.issue(t, "mallory")))
	c.cmd(331, "USER %s", testUser)
	c.cmd(530, "PASS %s", testPassword)
	c.ended()

	c = dial(t, s)
	c.authTLS(s.with(t, a.issue(t, testUser)))
	c.cmd(331, "USER nobody")
	c.cmd(230, "USER %s", testUser) // another try
	roundTrip(t, c)

	c = dial(t, s) // without a certificate
	c.authTLS(s.trust(t))
	c.login()
	roundTrip(t, c)

	login(t, s) // in clear text there can be none
}

func TestCertificateAndPassword(t *testing.T) {
	a := newAuthority(t, "clients")
	s := startWithAuthority(t, a, 2, func(u *dataprovider.User) {
		byName(u)
		u.Filters.DeniedLoginMethods = []string{"TLSCertificate", "password"}
	})
	c := dial(t, s)
	c.authTLS(s.with(t, a.issue(t, testUser)))
	c.login()
	roundTrip(t, c)

	c = dial(t, s)
	c.authTLS(s.with(t, a.issue(t, testUser)))
	c.cmd(331, "USER %s", testUser)
	c.cmd(530, "PASS wrong")
	c = dial(t, s)
	c.authTLS(s.trust(t))
	c.cmd(331, "USER %s", testUser)
	c.cmd(530, "PASS %s", testPassword)
}

// An account that takes no certificates does not mind one.
func TestCertificateWithoutMeaning(t *testing.T) {
	a := newAuthority(t, "clients")
	s := startWithAuthority(t, a, 2, nil)
	for _, name := range []string{testUser, "mallory"} {
		c := dial(t, s)
		c.authTLS(s.with(t, a.issue(t, name)))
		c.login()
	}
}

func TestCertificateRequired(t *testing.T) {
	a := newAuthority(t, "clients")
	s := startWithAuthority(t, a, 1, byName)
	refusesTLS(t, s, s.trust(t))
	refusesTLS(t, s, s.with(t, newAuthority(t, "clients").issue(t, testUser)))
	c := dial(t, s)
	c.authTLS(s.with(t, a.issue(t, testUser)))
	c.cmd(230, "USER %s", testUser)
	roundTrip(t, c)
}

func TestCertificateRevoked(t *testing.T) {
	a := newAuthority(t, "clients")
	s := startWithAuthority(t, a, 2, byName)
	good, bad := a.issue(t, testUser), a.issue(t, testUser)
	cfg := s.with(t, bad)
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(10)
	c := dial(t, s)
	c.authTLS(cfg)
	c.cmd(230, "USER %s", testUser)

	newAuthority(t, "clients").revoke(t, s.crl, good, bad) // signed by somebody else of that name
	if err := s.ftp.Reload(); err != nil {
		t.Fatal(err)
	}
	c = dial(t, s)
	c.authTLS(s.with(t, bad))
	c.cmd(230, "USER %s", testUser)

	a.revoke(t, s.crl, bad)
	if err := s.ftp.Reload(); err != nil {
		t.Fatal(err)
	}
	refusesTLS(t, s, s.with(t, bad))
	refusesTLS(t, s, cfg) // resumes
	c = dial(t, s)
	c.authTLS(s.with(t, good))
	c.cmd(230, "USER %s", testUser)

	if err := os.WriteFile(s.crl, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ftp.Reload(); err == nil {
		t.Error("a list that cannot be read was loaded")
	}
	refusesTLS(t, s, s.with(t, bad))
}

func TestSelfSigned(t *testing.T) {
	dir := t.TempDir()
	cfg := ftpd.DefaultConfig()
	fingerprint := func() string {
		t.Helper()
		if _, err := ftpd.New(cfg, 0, nil, nil, "1", dir, discard); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "ftpd_selfsigned.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if block, _ := pem.Decode(data); block == nil || block.Type != "CERTIFICATE" {
			t.Errorf("%q", data)
		}
		return string(data)
	}
	if first, second := fingerprint(), fingerprint(); first != second {
		t.Error("the certificate was not kept")
	}
	info, err := os.Stat(filepath.Join(dir, "ftpd_selfsigned.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	s := start(t, options{})
	s.certs = filepath.Join(s.cfgDir, "ftpd_selfsigned.pem")
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	roundTrip(t, c)
}

func TestCertificateOfABinding(t *testing.T) {
	own := t.TempDir()
	s := start(t, options{tls: true, cfg: func(c *ftpd.Config) {
		b := &c.Bindings[0]
		b.CertificateFile, b.CertificateKeyFile = writeCertificate(t, own), filepath.Join(own, "key.pem")
		b.MinTLSVersion = 13
	}})
	refusesTLS(t, s, s.trust(t))
	s.certs = filepath.Join(own, "cert.pem")
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	old := s.trust(t)
	old.MaxVersion = tls.VersionTLS12
	refusesTLS(t, s, old)
}

func TestCipherSuites(t *testing.T) {
	s := start(t, options{tls: true, cfg: func(c *ftpd.Config) {
		c.Bindings[0].TLSCipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "unknown"}
	}})
	for suite, ok := range map[uint16]bool{
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: true, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: false,
	} {
		cfg := s.trust(t)
		cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{suite}
		if !ok {
			refusesTLS(t, s, cfg)
			continue
		}
		c := dial(t, s)
		c.authTLS(cfg)
		c.cmd(200, "NOOP")
	}
}

// A certificate that cannot be kept on the disk stays while the server runs; one
// whose file was deleted is made anew on SIGHUP.
func TestSelfSignedReload(t *testing.T) {
	for _, kept := range []bool{true, false} {
		dir := filepath.Join(t.TempDir(), "conf")
		if kept {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		out := &lockedBuffer{}
		s, err := ftpd.New(ftpd.DefaultConfig(), 0, nobody{}, nil, "1", dir, slog.New(slog.NewTextHandler(out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		first := presented(t, s)
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		if !first.Equal(presented(t, s)) {
			t.Errorf("kept %v: another certificate after a reload", kept)
		}
		if !kept {
			continue
		}
		if err := os.Remove(filepath.Join(dir, "ftpd_selfsigned.pem")); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		if first.Equal(presented(t, s)) || strings.Count(out.String(), "made one for TLS") != 2 {
			t.Errorf("no other certificate, or nobody is told:\n%s", out)
		}
	}
}

// nobody can log in.
type nobody struct{}

func (nobody) Authenticate(context.Context, auth.Attempt) (auth.Identity, error) {
	return auth.Identity{}, auth.ErrRejected
}
func (nobody) LoggedIn(context.Context, auth.Attempt, auth.Identity) {}
func (nobody) LoginFailed(context.Context, auth.Attempt, error)      {}

// presented is the certificate that a client of s sees.
func presented(t *testing.T, s *ftpd.Server) *x509.Certificate {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	tcp, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c := &conn{t: t, tcp: tcp, text: textproto.NewConn(tcp)}
	c.expect(220)
	c.cmd(234, "AUTH TLS")
	secure := tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = secure.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return secure.ConnectionState().PeerCertificates[0]
}
