package ftpd

import (
	"crypto/tls"
	"fmt"
)

// loadTLS reads the certificate; nil means that none is configured.
//
// The ALPN name of FTP (RFC 7301, IANA registry) keeps an attacker from sending
// a browser's HTTPS connection to this port (ALPACA, CVE-2021-3618): a client
// that asks for another protocol fails the handshake, one that asks for none is
// served.
func loadTLS(cfg Config, dir string) (*tls.Config, error) {
	if cfg.CertificateFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(within(dir, cfg.CertificateFile), within(dir, cfg.CertificateKeyFile))
	if err != nil {
		return nil, fmt.Errorf("ftp certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"ftp"},
	}, nil
}
