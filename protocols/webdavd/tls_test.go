package webdavd_test

import (
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
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// authority signs the certificates of clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func (a *authority) sign(t *testing.T, template, parent *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	a.last++
	template.SerialNumber = big.NewInt(a.last)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, key := a.sign(t, template, template)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.key = key
	return a
}

// issue returns a client certificate for name.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, key := a.sign(t, template, a.cert)
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// revoke writes the list of what is not valid any more.
func (a *authority) revoke(t *testing.T, file string, certs ...tls.Certificate) {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
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

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// secured is a rig with HTTPS that knows an authority.
type secured struct {
	*rig
	dir   string
	ca    *authority
	roots *x509.CertPool
}

func newSecured(t *testing.T, b webdavd.Binding, change ...func(*dataprovider.User)) *secured {
	t.Helper()
	s := &secured{rig: newRig(t, session.Config{}, change...), dir: t.TempDir(), ca: newAuthority(t)}
	s.roots = selfSigned(t, s.dir, "server")
	writePEM(t, filepath.Join(s.dir, "ca.pem"), "CERTIFICATE", s.ca.cert.Raw)
	s.ca.revoke(t, filepath.Join(s.dir, "crl.pem"))
	cfg := webdavd.Config{
		CertificateFile: "cert.pem", CertificateKeyFile: "key.pem",
		CACertificates: []string{"ca.pem"}, CARevocationLists: []string{"crl.pem"},
	}
	b.EnableHTTPS = true
	s.serve(slog.New(slog.NewJSONHandler(s.log, nil)), cfg, b, s.dir)
	return s
}

// client has the certificates given, and connections of its own.
func (s *secured) client(certs ...tls.Certificate) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, Certificates: certs}}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// options is the status of a request with a user and a password, or "" and "".
func (s *secured) options(c *http.Client, user, pass string) (int, error) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodOptions, s.url+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, pass)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func byCommonName(u *dataprovider.User) { u.Filters.TLSUsername = dataprovider.TLSUsernameCommonName }

func TestClientCertificate(t *testing.T) {
	s := newSecured(t, webdavd.Binding{ClientAuthType: 2}, byCommonName)
	s.addUser("bob", s.home)
	s.addUser("carol", s.home, byCommonName, func(u *dataprovider.User) {
		u.Filters.DeniedLoginMethods = []string{dataprovider.LoginPassword, dataprovider.LoginTLSCertificate}
	})
	alice, bob, carol := s.ca.issue(t, "alice"), s.ca.issue(t, "bob"), s.ca.issue(t, "carol")
	nobody, stranger := s.ca.issue(t, ""), newAuthority(t).issue(t, "alice")
	for _, tt := range []struct {
		name       string
		cert       []tls.Certificate
		user, pass string
		want       int
	}{
		{"certificate alone", []tls.Certificate{alice}, "", "", 200},
		{"and a password", []tls.Certificate{alice}, "alice", password, 200},
		{"and a wrong password", []tls.Certificate{alice}, "alice", "x", 401},
		{"certificate of another", []tls.Certificate{bob}, "alice", password, 401},
		{"password alone", nil, "alice", password, 200},
		{"neither", nil, "", "", 401},
		{"of an account that takes none", []tls.Certificate{bob}, "", "", 401},
		{"which counts for nothing beside its password", []tls.Certificate{bob}, "bob", password, 200},
		{"both are demanded, certificate", []tls.Certificate{carol}, "", "", 401},
		{"both are demanded, password", nil, "carol", password, 401},
		{"both are demanded, both", []tls.Certificate{carol}, "carol", password, 200},
		{"without a name", []tls.Certificate{nobody}, "", "", 401},
	} {
		if got, err := s.options(s.client(tt.cert...), tt.user, tt.pass); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, got, err, tt.want)
		}
	}
	if got, err := s.options(s.client(stranger), "alice", password); err == nil {
		t.Errorf("a certificate of another authority: %d", got)
	}
}

func TestClientCertificateRequired(t *testing.T) {
	s := newSecured(t, webdavd.Binding{ClientAuthType: 1}, byCommonName)
	if got, err := s.options(s.client(), "alice", password); err == nil {
		t.Errorf("no certificate: %d", got)
	}
	if got, err := s.options(s.client(s.ca.issue(t, "alice")), "", ""); err != nil || got != 200 {
		t.Errorf("%d, %v", got, err)
	}
}

// TestCertificateLoginIsNotedOnce: the log has the login, not every request.
func TestCertificateLoginIsNotedOnce(t *testing.T) {
	s := newSecured(t, webdavd.Binding{ClientAuthType: 2}, byCommonName)
	c := s.client(s.ca.issue(t, "alice"))
	for range 5 {
		if got, err := s.options(c, "", ""); err != nil || got != 200 {
			t.Fatalf("%d, %v", got, err)
		}
	}
	if n := strings.Count(s.log.String(), `"sender":"login"`); n != 1 || !strings.Contains(s.log.String(), `"method":"TLSCertificate"`) {
		t.Errorf("%d records of a login\n%s", n, s.log)
	}
	mallory := s.client(s.ca.issue(t, "mallory"))
	if got, err := s.options(mallory, "", ""); err != nil || got != 401 {
		t.Errorf("%d, %v", got, err)
	}
	// A password may follow, so nothing that fail2ban counts.
	if log := s.log.String(); strings.Contains(log, `"sender":"connection_failed"`) || !strings.Contains(log, "unknown user") {
		t.Error(log)
	}
}

// TestRevocation: a list that is read again ends logins with a certificate, on
// connections that are there already as well.
func TestRevocation(t *testing.T) {
	s := newSecured(t, webdavd.Binding{ClientAuthType: 2}, byCommonName)
	cert := s.ca.issue(t, "alice")
	old := s.client(cert)
	if got, err := s.options(old, "", ""); err != nil || got != 200 {
		t.Fatalf("%d, %v", got, err)
	}
	s.ca.revoke(t, filepath.Join(s.dir, "crl.pem"), cert)
	if err := s.server.Reload(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.options(old, "", ""); err != nil || got != 401 {
		t.Errorf("on the old connection: %d, %v", got, err)
	}
	if got, err := s.options(s.client(cert), "alice", password); err == nil {
		t.Errorf("on a new connection: %d", got)
	}
	if got, err := s.options(s.client(), "alice", password); err != nil || got != 200 {
		t.Errorf("without it: %d, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "crl.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Reload(); err == nil {
		t.Error("a broken list was taken")
	}
}

// TestBindingTLS: what a binding says about TLS counts.
func TestBindingTLS(t *testing.T) {
	dir := t.TempDir()
	own := selfSigned(t, dir, "own")
	s := newSecured(t, webdavd.Binding{
		CertificateFile: filepath.Join(dir, "cert.pem"), CertificateKeyFile: filepath.Join(dir, "key.pem"),
		TLSCipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_RC4_128_SHA"},
	})
	address := strings.TrimPrefix(s.url, "https://")
	dial := func(cfg *tls.Config) (tls.ConnectionState, error) {
		cfg.RootCAs = own
		c, err := tls.Dial("tcp", address, cfg)
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer c.Close()
		return c.ConnectionState(), nil
	}
	if st, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12}); err != nil || st.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
		t.Errorf("%v, %v", st.CipherSuite, err)
	}
	if _, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}); err == nil {
		t.Error("another suite was taken")
	}
	if !strings.Contains(s.log.String(), "TLS_RSA_WITH_RC4_128_SHA") {
		t.Error("no warning of the unsafe suite")
	}

	s = newSecured(t, webdavd.Binding{MinTLSVersion: 13})
	address, own = strings.TrimPrefix(s.url, "https://"), s.roots
	if _, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 was taken")
	}
	if _, err := dial(&tls.Config{}); err != nil {
		t.Error(err)
	}
}
