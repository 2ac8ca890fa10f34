package webdavd

import (
	"errors"
	"fmt"

	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// Config is the "webdavd" section.
type Config struct {
	// Bindings are the addresses to listen on.
	Bindings []Binding `json:"bindings"`
	// CertificateFile and CertificateKeyFile serve HTTPS; both or none. Read again
	// on SIGHUP.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
	// CACertificates are PEM files with the certificates of those who sign client
	// certificates.
	CACertificates []string `json:"ca_certificates"`
	// CARevocationLists are files with lists of client certificates that are not
	// valid any more. Read again on SIGHUP, as are the certificates.
	CARevocationLists []string `json:"ca_revocation_lists"`
	// CORS lets pages of other sites use the server from a browser.
	CORS CORS `json:"cors"`
}

// Binding is one address of the WebDAV server.
type Binding struct {
	Port    int    `json:"port"`    // 0 is off
	Address string `json:"address"` // empty is all interfaces
	// ApplyProxyConfig has common.proxy_protocol apply to this address.
	ApplyProxyConfig bool `json:"apply_proxy_config"`
	// EnableHTTPS serves HTTPS with the certificate of the binding or the section.
	EnableHTTPS bool `json:"enable_https"`
	// CertificateFile and CertificateKeyFile replace those of all bindings; both or
	// none.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
	// MinTLSVersion: 12 is TLS 1.2, 13 is TLS 1.3.
	MinTLSVersion int `json:"min_tls_version"`
	// TLSCipherSuites are the suites of TLS 1.2 by their Go names; empty is the
	// default of Go. Unknown and unsafe ones are left out, with a warning.
	TLSCipherSuites []string `json:"tls_cipher_suites"`
	// ClientAuthType: 1 demands a client certificate, 2 verifies one if it is given,
	// 0 asks for none. 1 and 2 need ca_certificates.
	ClientAuthType int `json:"client_auth_type"`
	// Prefix is the path of the root of a user's files in URLs, like /dav; empty is /.
	Prefix string `json:"prefix"`
	// ProxyAllowed are the addresses and networks of HTTP proxies whose
	// ClientIPProxyHeader is believed.
	ProxyAllowed []string `json:"proxy_allowed"`
	// ClientIPProxyHeader is where these proxies put the address of the client, like
	// X-Forwarded-For; empty: the address of the connection counts.
	ClientIPProxyHeader string `json:"client_ip_proxy_header"`
	// ClientIPHeaderDepth is which address of a list there counts: 0 the last, 1 the
	// one before it, and so on. Proxies append theirs, and clients can write the
	// first.
	ClientIPHeaderDepth int `json:"client_ip_header_depth"`
	// DirectoryListing answers the GET of a directory with a page for browsers;
	// without it the answer is that of a PROPFIND.
	DirectoryListing bool `json:"directory_listing"`
}

// CORS is cross-origin resource sharing.
type CORS = web.CORS

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings: []Binding{{
			MinTLSVersion: 12, TLSCipherSuites: []string{}, ProxyAllowed: []string{}, DirectoryListing: true,
		}},
		CACertificates: []string{}, CARevocationLists: []string{},
		CORS: CORS{
			AllowedOrigins: []string{}, AllowedMethods: []string{}, AllowedHeaders: []string{}, ExposedHeaders: []string{},
		},
	}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	for i, b := range c.Bindings {
		for _, err := range append(c.settings(b).Faults(), b.faults()...) {
			errs = append(errs, fmt.Errorf("bindings.%d.%w", i, err))
		}
	}
	if err := web.PairFault(c.CertificateFile, c.CertificateKeyFile); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.CORS.Faults()...)
	return errors.Join(errs...)
}

// settings are those that all front-ends of HTTP have.
func (c Config) settings(b Binding) web.Settings {
	return web.Settings{
		Port: b.Port, HTTPS: b.EnableHTTPS, Files: c.files(b, ""),
		MinTLSVersion: b.MinTLSVersion, TLSCipherSuites: b.TLSCipherSuites, ClientAuthType: b.ClientAuthType,
		ProxyAllowed: b.ProxyAllowed, ClientIPProxyHeader: b.ClientIPProxyHeader, ClientIPHeaderDepth: b.ClientIPHeaderDepth,
	}
}

// faults are the others; they begin with the key.
func (b Binding) faults() []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := web.PairFault(b.CertificateFile, b.CertificateKeyFile); err != nil {
		errs = append(errs, err)
	}
	if p, err := vfs.ParseName("/", b.Prefix); b.Prefix != "" && b.Prefix != "/" && (err != nil || p != b.Prefix) {
		fault("prefix: %q is not a path like /dav", b.Prefix)
	}
	return errs
}
