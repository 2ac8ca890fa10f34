package webdavd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"

	"sftpgo/protocols/certs"
	"sftpgo/protocols/proxied"
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
		for _, err := range append(c.tlsFaults(b), b.httpFaults()...) {
			errs = append(errs, fmt.Errorf("bindings.%d.%w", i, err))
		}
	}
	if (c.CertificateFile == "") != (c.CertificateKeyFile == "") {
		errs = append(errs, errors.New("certificate_file: set it together with certificate_key_file"))
	}
	errs = append(errs, c.CORS.Faults()...)
	return errors.Join(errs...)
}

// tlsFaults are those of TLS in b; they begin with the key.
func (c Config) tlsFaults(b Binding) []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if b.EnableHTTPS && b.Port > 0 && c.CertificateFile == "" && b.CertificateFile == "" {
		fault("enable_https: needs certificate_file and certificate_key_file")
	}
	if (b.CertificateFile == "") != (b.CertificateKeyFile == "") {
		fault("certificate_file: set it together with certificate_key_file")
	}
	if _, ok := certs.MinVersion(b.MinTLSVersion); !ok {
		fault("min_tls_version: %d is not 12 or 13", b.MinTLSVersion)
	}
	if ids, _ := certs.Suites(b.TLSCipherSuites); len(b.TLSCipherSuites) > 0 && len(ids) == 0 {
		fault("tls_cipher_suites: none of them is a safe suite of TLS 1.2, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	}
	switch kind, ok := certs.ClientAuth(b.ClientAuthType); {
	case !ok:
		fault("client_auth_type: %d is not 0 (none), 1 (required) or 2 (verified if given)", b.ClientAuthType)
	case kind != tls.NoClientCert && len(c.CACertificates) == 0:
		fault("client_auth_type: %d needs ca_certificates", b.ClientAuthType)
	case kind != tls.NoClientCert && !b.EnableHTTPS:
		fault("client_auth_type: %d needs enable_https", b.ClientAuthType)
	}
	return errs
}

// httpFaults are the others; they begin with the key.
func (b Binding) httpFaults() []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if b.Port < 0 || b.Port > 65535 {
		fault("port: %d is not a port", b.Port)
	}
	if p, err := vfs.ParseName("/", b.Prefix); b.Prefix != "" && b.Prefix != "/" && (err != nil || p != b.Prefix) {
		fault("prefix: %q is not a path like /dav", b.Prefix)
	}
	if _, err := proxied.ParseNetworks("proxy_allowed", b.ProxyAllowed); err != nil {
		errs = append(errs, err)
	}
	switch h := b.ClientIPProxyHeader; {
	case h != "" && !httpguts.ValidHeaderFieldName(h):
		fault("client_ip_proxy_header: %q is not the name of a header", h)
	case strings.EqualFold(h, "Forwarded"):
		fault("client_ip_proxy_header: Forwarded is no list of addresses; have the proxy send X-Forwarded-For")
	}
	if b.ClientIPHeaderDepth < 0 {
		fault("client_ip_header_depth: %d is negative", b.ClientIPHeaderDepth)
	}
	return errs
}
