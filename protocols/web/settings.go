package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"

	"sftpgo/protocols/certs"
	"sftpgo/protocols/proxied"
)

// Settings are those that bindings of HTTP front-ends have in common, under the keys
// of the configuration.
type Settings struct {
	Port                int         // port
	HTTPS               bool        // enable_https
	Files               certs.Files // certificate_file and its like, of the binding or of all
	MinTLSVersion       int         // min_tls_version
	TLSCipherSuites     []string    // tls_cipher_suites
	ClientAuthType      int         // client_auth_type
	ProxyAllowed        []string    // proxy_allowed
	ClientIPProxyHeader string      // client_ip_proxy_header
	ClientIPHeaderDepth int         // client_ip_header_depth
}

// Faults says what is wrong; each begins with the key.
func (s Settings) Faults() []error {
	var errs []error
	if s.Port < 0 || s.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not a port", s.Port))
	}
	errs = append(errs, s.tlsFaults()...)
	return append(errs, s.proxyFaults()...)
}

func (s Settings) tlsFaults() []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.HTTPS && s.Port > 0 && s.Files.Certificate == "" {
		fault("enable_https: needs certificate_file and certificate_key_file")
	}
	if _, ok := certs.MinVersion(s.MinTLSVersion); !ok {
		fault("min_tls_version: %d is not 12 or 13", s.MinTLSVersion)
	}
	if ids, _ := certs.Suites(s.TLSCipherSuites); len(s.TLSCipherSuites) > 0 && len(ids) == 0 {
		fault("tls_cipher_suites: none of them is a safe suite of TLS 1.2, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	}
	switch kind, ok := certs.ClientAuth(s.ClientAuthType); {
	case !ok:
		fault("client_auth_type: %d is not 0 (none), 1 (required) or 2 (verified if given)", s.ClientAuthType)
	case kind != tls.NoClientCert && len(s.Files.Authorities) == 0:
		fault("client_auth_type: %d needs ca_certificates", s.ClientAuthType)
	case kind != tls.NoClientCert && !s.HTTPS:
		fault("client_auth_type: %d needs enable_https", s.ClientAuthType)
	}
	return errs
}

func (s Settings) proxyFaults() []error {
	var errs []error
	if _, err := proxied.ParseNetworks("proxy_allowed", s.ProxyAllowed); err != nil {
		errs = append(errs, err)
	}
	switch h := s.ClientIPProxyHeader; {
	case h != "" && !httpguts.ValidHeaderFieldName(h):
		errs = append(errs, fmt.Errorf("client_ip_proxy_header: %q is not the name of a header", h))
	case strings.EqualFold(h, "Forwarded"):
		errs = append(errs, errors.New("client_ip_proxy_header: Forwarded is no list of addresses; have the proxy send X-Forwarded-For"))
	}
	if s.ClientIPHeaderDepth < 0 {
		errs = append(errs, fmt.Errorf("client_ip_header_depth: %d is negative", s.ClientIPHeaderDepth))
	}
	return errs
}

// PairFault is what is wrong with a certificate and its key, of which one may be
// missing; nil is nothing.
func PairFault(certificate, key string) error {
	if (certificate == "") != (key == "") {
		return errors.New("certificate_file: set it together with certificate_key_file")
	}
	return nil
}
