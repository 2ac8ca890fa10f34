package telemetry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
)

// certificate is a key pair that can be read again while it is in use.
type certificate struct {
	cert, key string
	loaded    atomic.Pointer[tls.Certificate]
}

// load reads the files; on an error the pair in use stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate_file %s: %w", c.cert, err)
	}
	c.loaded.Store(&pair)
	return nil
}

func (c *certificate) config(suites []uint16) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		NextProtos:   []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.loaded.Load(), nil
		},
	}
}

// cipherSuites returns the suites of these names; none is nil, the default.
func cipherSuites(names []string) ([]uint16, error) {
	var (
		ids  []uint16
		errs []error
	)
	for i, name := range names {
		id, ok := cipherSuite(name)
		if !ok {
			errs = append(errs, fmt.Errorf("tls_cipher_suites.%d: %q is not a safe suite of TLS 1.2, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", i, name))
			continue
		}
		ids = append(ids, id)
	}
	return ids, errors.Join(errs...)
}

func cipherSuite(name string) (uint16, bool) {
	for _, suite := range tls.CipherSuites() {
		if suite.Name == name {
			return suite.ID, true
		}
	}
	return 0, false
}
