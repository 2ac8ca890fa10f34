package ftpd

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"

	"sftpgo/protocols/certs"
)

// selfSignedFile is the certificate that is made when none is configured, in the
// configuration directory; all bindings share it.
const selfSignedFile = "ftpd_selfsigned.pem"

// tlsFiles are those of one binding: its own certificate, else the one of all.
func (c Config) tlsFiles(b Binding, dir string) certs.Files {
	f := certs.Files{
		Dir: dir, Certificate: c.CertificateFile, Key: c.CertificateKeyFile, SelfSigned: selfSignedFile,
		Authorities: c.CACertificates, Revoked: c.CARevocationLists,
	}
	if b.CertificateFile != "" {
		f.Certificate, f.Key = b.CertificateFile, b.CertificateKeyFile
	}
	return f
}

// newTLS is the configuration of a binding.
//
// The ALPN name of FTP (RFC 7301, IANA registry) keeps an attacker from sending
// a browser's HTTPS connection to this port (ALPACA, CVE-2021-3618): a client
// that asks for another protocol fails the handshake, one that asks for none is
// served.
func newTLS(b Binding, l *certs.Loaded) *tls.Config {
	version, _ := certs.MinVersion(b.MinTLSVersion)
	clientAuth, _ := certs.ClientAuth(b.ClientAuthType)
	suites, _ := certs.Suites(b.TLSCipherSuites)
	return &tls.Config{
		Certificates:     []tls.Certificate{l.Certificate},
		MinVersion:       version,
		CipherSuites:     suites,
		NextProtos:       []string{"ftp"},
		ClientAuth:       clientAuth,
		ClientCAs:        l.Authorities,
		VerifyConnection: l.Check,
	}
}

// secured is TLS of one client. Both may be the same.
type secured struct {
	control, data *tls.Config
}

// errNotResumed is the answer to a data connection that begins a TLS session of
// its own; the code is the one that vsftpd gives.
var errNotResumed = &refusal{522, "The data connection has to resume the TLS session of the control connection"}

// secure makes the TLS configurations of one client. With tls_session_reuse the
// tickets are sealed with keys that this client alone has, so that a data
// connection which resumes a session resumes that of this control connection: who
// opens it is who has logged in.
func (b Binding) secure(base *tls.Config) secured {
	if b.TLSSessionReuse != reuseRequired {
		return secured{base, base}
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	control := base.Clone()
	control.SetSessionTicketKeys([][32]byte{key})
	data := control.Clone()
	data.VerifyConnection = func(state tls.ConnectionState) error {
		if !state.DidResume {
			return errNotResumed
		}
		return base.VerifyConnection(state)
	}
	return secured{control, data}
}

// reportCertificate tells the administrator which certificate is in use when it is
// none of theirs.
func reportCertificate(log *slog.Logger, l *certs.Loaded, suites []string) {
	if _, unknown := certs.Suites(suites); len(unknown) > 0 {
		log.Warn("tls_cipher_suites: unknown or unsafe, left out", "suites", fmt.Sprint(unknown))
	}
	own := l.SelfSigned
	if own == nil {
		return
	}
	log = log.With("file", own.File, "sha256", certs.Fingerprint(l.Certificate))
	switch {
	case own.NotKept != nil:
		log.Warn("no certificate is configured: the server made one, and another at the next start, because it cannot be kept",
			"error", own.NotKept)
	case own.Made:
		log.Info("no certificate is configured: the server made one for TLS")
	default:
		log.Info("no certificate is configured: TLS uses the one that the server made before")
	}
}
