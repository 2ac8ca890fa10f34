package webdavd

import (
	"crypto/tls"
	"fmt"
	"net/http"

	"sftpgo/protocols/certs"
)

// files are those of TLS for one binding: its own certificate, else the one of
// all.
func (c Config) files(b Binding, dir string) certs.Files {
	f := certs.Files{
		Dir: dir, Certificate: c.CertificateFile, Key: c.CertificateKeyFile,
		Authorities: c.CACertificates, Revoked: c.CARevocationLists,
	}
	if b.CertificateFile != "" {
		f.Certificate, f.Key = b.CertificateFile, b.CertificateKeyFile
	}
	return f
}

// secure reads the files of TLS. What is in use stays so if one has a fault.
func (s *Server) secure() error {
	l, err := s.files.Load()
	if err != nil {
		return fmt.Errorf("webdavd: %w", err)
	}
	version, _ := certs.MinVersion(s.binding.MinTLSVersion)
	clientAuth, _ := certs.ClientAuth(s.binding.ClientAuthType)
	suites, _ := certs.Suites(s.binding.TLSCipherSuites)
	s.tls.Store(&tls.Config{
		Certificates:     []tls.Certificate{l.Certificate},
		MinVersion:       version,
		CipherSuites:     suites,
		NextProtos:       []string{"http/1.1"},
		ClientAuth:       clientAuth,
		ClientCAs:        l.Authorities,
		VerifyConnection: l.Check,
	})
	return nil
}

// tlsConfig follows what secure reads.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load(), nil }}
}

// stillTrusted looks at the client certificate of the connection by the lists of
// now: a connection may be older than the revocation.
func (s *Server) stillTrusted(r *http.Request) error {
	if r.TLS == nil {
		return nil
	}
	return s.tls.Load().VerifyConnection(*r.TLS)
}

// commonName is that of the client certificate, verified; "" if there is none.
func commonName(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}
