package webdavd

import (
	"errors"
	"fmt"
)

// Config is the "webdavd" section.
type Config struct {
	// Bindings are the addresses to listen on.
	Bindings []Binding `json:"bindings"`
	// CertificateFile and CertificateKeyFile serve HTTPS; both or none.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
}

// Binding is one address of the WebDAV server.
type Binding struct {
	Port    int    `json:"port"`    // 0 is off
	Address string `json:"address"` // empty is all interfaces
	// ApplyProxyConfig has common.proxy_protocol apply to this address.
	ApplyProxyConfig bool `json:"apply_proxy_config"`
	// EnableHTTPS serves HTTPS with the certificate of the section.
	EnableHTTPS bool `json:"enable_https"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config { return Config{Bindings: []Binding{{}}} }

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	for i, b := range c.Bindings {
		if b.Port < 0 || b.Port > 65535 {
			errs = append(errs, fmt.Errorf("bindings.%d.port: %d is not a port", i, b.Port))
		}
		if b.EnableHTTPS && b.Port > 0 && c.CertificateFile == "" {
			errs = append(errs, fmt.Errorf("bindings.%d.enable_https: needs certificate_file and certificate_key_file", i))
		}
	}
	if (c.CertificateFile == "") != (c.CertificateKeyFile == "") {
		errs = append(errs, errors.New("certificate_file: set it together with certificate_key_file"))
	}
	return errors.Join(errs...)
}
