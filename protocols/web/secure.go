package web

import (
	"crypto/tls"
	"net/http"
	"sync/atomic"

	"sftpgo/protocols/certs"
)

// Secure is TLS for one binding. It follows the files when they are read again.
type Secure struct {
	files      certs.Files
	minVersion int
	suites     []string
	clientAuth int
	now        atomic.Pointer[tls.Config]
}

// NewSecure reads the files. minVersion, suites and clientAuth are as certs knows
// them, and have been validated.
func NewSecure(files certs.Files, minVersion int, suites []string, clientAuth int) (*Secure, error) {
	s := &Secure{files: files, minVersion: minVersion, suites: suites, clientAuth: clientAuth}
	return s, s.Reload()
}

// Reload reads the files again. What is in use stays so if one has a fault.
func (s *Secure) Reload() error {
	l, err := s.files.Load()
	if err != nil {
		return err
	}
	version, _ := certs.MinVersion(s.minVersion)
	clientAuth, _ := certs.ClientAuth(s.clientAuth)
	suites, _ := certs.Suites(s.suites)
	s.now.Store(&tls.Config{
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

// Config is for listeners; it follows Reload.
func (s *Secure) Config() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.now.Load(), nil }}
}

// StillTrusted looks at the client certificate of the connection of a request by the
// lists of now: a connection may be older than the revocation.
func (s *Secure) StillTrusted(r *http.Request) error {
	if s == nil || r.TLS == nil {
		return nil
	}
	return s.now.Load().VerifyConnection(*r.TLS)
}

// CommonName is that of the client certificate, verified; "" if there is none.
func CommonName(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}
