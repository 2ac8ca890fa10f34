// Package certs reads the files that a TLS listener is configured with: its own
// certificate, or one that it makes for itself, and what it takes to judge the
// certificates of clients.
package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Files are the names of what is read, relative to Dir.
type Files struct {
	Dir string
	// Certificate and Key are PEM files. Without them SelfSigned is used.
	Certificate, Key string
	// SelfSigned is the file of a certificate that the server makes for itself and
	// keeps there with its key.
	SelfSigned string
	// Authorities are PEM files with the certificates of those who sign the
	// certificates of clients.
	Authorities []string
	// Revoked are files with certificate revocation lists, PEM or DER.
	Revoked []string
}

// Loaded is what the files hold. It is immutable.
type Loaded struct {
	Certificate tls.Certificate
	// SelfSigned tells of a certificate that the server made; nil: it was configured.
	SelfSigned *SelfSigned
	// Authorities judge the certificates of clients; nil: there are none.
	Authorities *x509.CertPool

	revoked []*x509.RevocationList
}

// Load reads all files.
func (f Files) Load() (*Loaded, error) {
	l := &Loaded{}
	var err error
	if f.Certificate != "" || f.Key != "" {
		if l.Certificate, err = tls.LoadX509KeyPair(f.within(f.Certificate), f.within(f.Key)); err != nil {
			return nil, fmt.Errorf("certificate %q with key %q: %w", f.Certificate, f.Key, err)
		}
	} else if l.SelfSigned, err = loadSelfSigned(f.within(f.SelfSigned)); err != nil {
		return nil, err
	} else {
		l.Certificate = l.SelfSigned.pair
	}
	if l.Authorities, err = f.authorities(); err != nil {
		return nil, err
	}
	l.revoked, err = f.revocationLists()
	return l, err
}

func (f Files) within(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.Dir, name)
}

func (f Files) authorities() (*x509.CertPool, error) {
	if len(f.Authorities) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, name := range f.Authorities {
		data, err := os.ReadFile(f.within(name))
		if err != nil {
			return nil, fmt.Errorf("certificates of authorities: %w", err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("certificates of authorities: %q holds none in PEM form", name)
		}
	}
	return pool, nil
}

// Fingerprint is the SHA-256 of a certificate as browsers and openssl show it.
func Fingerprint(c tls.Certificate) string {
	if len(c.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(c.Certificate[0])
	pairs := make([]string, len(sum))
	for i := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString(sum[i : i+1]))
	}
	return strings.Join(pairs, ":")
}
