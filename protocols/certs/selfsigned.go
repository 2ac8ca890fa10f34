package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A certificate of our own is good for clients that remember it, and they should
// not have to do so often.
const (
	validity = 10 * 365 * 24 * time.Hour
	renewal  = 30 * 24 * time.Hour // before the end
	backdate = time.Hour           // for clients whose clock is late
)

// SelfSigned is a certificate that the server has made for itself.
type SelfSigned struct {
	File string // where it is, or should be
	Made bool   // just now
	// NotKept is why it is not in File, so that the next start makes another; nil: it
	// is.
	NotKept error

	pair tls.Certificate
}

// loadSelfSigned reads the certificate from file, and makes one that is not there
// or about to expire. Key and certificate are in one file, so that a crash cannot
// leave half of them.
func loadSelfSigned(file string) (*SelfSigned, error) {
	data, err := os.ReadFile(file)
	switch {
	case err == nil:
		pair, err := tls.X509KeyPair(data, data)
		if err != nil {
			return nil, fmt.Errorf("certificate %q, which the server made: %w (delete it to have another made)", file, err)
		}
		if time.Now().Before(pair.Leaf.NotAfter.Add(-renewal)) {
			return &SelfSigned{File: file, pair: pair}, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("certificate that the server made: %w", err)
	}
	if data, err = makeSelfSigned(time.Now()); err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	s := &SelfSigned{File: file, Made: true, NotKept: keep(file, data)}
	s.pair, err = tls.X509KeyPair(data, data)
	return s, err
}

// makeSelfSigned returns key and certificate in PEM. P-256 is what every client
// that has TLS 1.2 knows.
func makeSelfSigned(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "localhost" {
		names = append([]string{host}, names...)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: names[0]},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(validity),
		DNSNames:     names,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...), nil
}

// keep writes the file as a whole or not at all, for nobody else to read.
func keep(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
	}
	return err
}
