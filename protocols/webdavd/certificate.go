package webdavd

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"sync/atomic"
)

// certificate is a key pair on disk that can be read again while it is in use.
type certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
}

func newCertificate(dir, certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: within(dir, certFile), keyFile: within(dir, keyFile)}
	return c, c.load()
}

func within(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %q with key %q: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.pair.Load(), nil
		},
	}
}
