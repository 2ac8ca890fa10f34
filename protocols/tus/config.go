package tus

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sftpgo/protocols/certs"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// Config is the "tus" section.
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
	// CORS lets pages of other sites upload from a browser.
	CORS CORS `json:"cors"`
	// Extensions are what is offered beyond the core of tus: creation,
	// creation-with-upload, creation-defer-length, termination, concatenation, checksum,
	// checksum-trailer, expiration, and getting, which reads uploads back. Empty is all.
	Extensions []string `json:"extensions"`
	// MaxSize is how many bytes an upload may have; 0 is no limit.
	MaxSize int64 `json:"max_size"`
	// MaxBodySize is how many bytes one request may bring; 0 is no limit.
	MaxBodySize int64 `json:"max_body_size"`
	// Expiration is how many minutes an upload waits for its next request before it is
	// removed; 0 is for ever.
	Expiration int `json:"expiration"`
	// FinishedFor is how many minutes a complete upload is known by its URL, after which
	// the file is as any other; 0 is for ever.
	FinishedFor int `json:"finished_for"`
	// MaxUnfinished is how many unfinished uploads a user may have; 0 is no limit.
	MaxUnfinished int `json:"max_unfinished"`
	// KeepParts keeps the parts of an upload that was put together of them, until they
	// expire.
	KeepParts bool `json:"keep_parts"`
	// AllowEmpty accepts uploads of length 0.
	AllowEmpty bool `json:"allow_empty"`
	// IETFDrafts are the interop versions of resumable uploads of the IETF
	// (draft-ietf-httpbis-resumable-upload) that are served beside tus, "6" and "8";
	// empty is none.
	IETFDrafts []string `json:"ietf_drafts"`
	// StrictVersion refuses requests that do not say that they speak tus 1.0.0.
	StrictVersion bool `json:"strict_version"`
	// LockWait is how many seconds a request waits for another one to leave the upload
	// to it.
	LockWait int `json:"lock_wait"`
	// BodyTimeout is how many seconds a client may send nothing in the middle of a
	// request.
	BodyTimeout int `json:"body_timeout"`
}

// Binding is one address of the server of resumable uploads.
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
	// Prefix is the path of the collection of uploads in URLs.
	Prefix string `json:"prefix"`
	// ExternalURL is the URL of the server as clients see it, like
	// https://upload.example.com; empty: each request tells.
	ExternalURL string `json:"external_url"`
	// ProxyAllowed are the addresses and networks of HTTP proxies whose
	// ClientIPProxyHeader is believed, and what they say of scheme and host (Forwarded,
	// X-Forwarded-Proto, X-Forwarded-Host).
	ProxyAllowed []string `json:"proxy_allowed"`
	// ClientIPProxyHeader is where these proxies put the address of the client, like
	// X-Forwarded-For; empty: the address of the connection counts.
	ClientIPProxyHeader string `json:"client_ip_proxy_header"`
	// ClientIPHeaderDepth is which address of a list there counts: 0 the last, 1 the
	// one before it, and so on. Proxies append theirs, and clients can write the
	// first.
	ClientIPHeaderDepth int `json:"client_ip_header_depth"`
}

// CORS is cross-origin resource sharing; methods and headers are those of tus.
type CORS struct {
	Enabled bool `json:"enabled"`
	// AllowedOrigins are sites like https://app.example.com, with one * for any text;
	// empty or "*" is all.
	AllowedOrigins []string `json:"allowed_origins"`
	// AllowCredentials lets pages use a login that the browser remembers. It needs
	// allowed_origins.
	AllowCredentials bool `json:"allow_credentials"`
	// MaxAge is how many seconds a browser may remember what is allowed.
	MaxAge int `json:"max_age"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings:       []Binding{{MinTLSVersion: 12, TLSCipherSuites: []string{}, Prefix: "/files", ProxyAllowed: []string{}}},
		CACertificates: []string{}, CARevocationLists: []string{},
		CORS:       CORS{AllowedOrigins: []string{}, MaxAge: 86400},
		Extensions: []string{}, IETFDrafts: []string{},
		Expiration: 24 * 60, FinishedFor: 24 * 60, MaxUnfinished: 1000,
		AllowEmpty: true, StrictVersion: true, LockWait: 10, BodyTimeout: 60,
	}
}

// Policy completes the policy of the uploads.
func (c Config) Policy(p session.ResumablePolicy) session.ResumablePolicy {
	p.Expiration = time.Duration(c.Expiration) * time.Minute
	p.Remember = time.Duration(c.FinishedFor) * time.Minute
	p.MaxOpen = c.MaxUnfinished
	p.RemoveParts = !c.KeepParts
	p.Wait = time.Duration(c.LockWait) * time.Second
	return p
}

func (c Config) protocol(b Binding) Protocol {
	p := Protocol{
		Prefix: b.Prefix, Extensions: c.Extensions, MaxSize: c.MaxSize, MaxBody: c.MaxBodySize,
		RefuseEmpty: !c.AllowEmpty, AnyVersion: !c.StrictVersion, ExternalURL: b.ExternalURL,
		BodyTimeout: time.Duration(c.BodyTimeout) * time.Second,
	}
	p.Drafts, _ = ParseDrafts(c.IETFDrafts) // Validate has looked
	if len(p.Extensions) == 0 {
		p.Extensions = Extensions()
	}
	return p
}

func (c Config) cors() web.CORS {
	return web.CORS{
		Enabled: c.CORS.Enabled, AllowedOrigins: c.CORS.AllowedOrigins,
		AllowCredentials: c.CORS.AllowCredentials, MaxAge: c.CORS.MaxAge,
	}
}

// files are those of TLS for one binding: its own certificate, else the one of all.
func (c Config) files(b Binding, dir string) certs.Files {
	f := certs.Files{
		Dir: dir, Certificate: c.CertificateFile, Key: c.CertificateKeyFile,
		Authorities: c.CACertificates, Revoked: c.CARevocationLists,
	}
	if b.CertificateFile != "" {
		f.Certificate, f.Key = b.CertificateFile, b.CertificateKeyFile
	}
	return f
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
	errs = append(errs, c.cors().Faults()...)
	for i, e := range c.Extensions {
		if !slices.Contains(Extensions(), e) {
			errs = append(errs, fmt.Errorf("extensions.%d: %q is none of %s", i, e, strings.Join(Extensions(), ", ")))
		}
	}
	if _, err := ParseDrafts(c.IETFDrafts); err != nil {
		errs = append(errs, fmt.Errorf("ietf_drafts: %w", err))
	}
	for _, n := range []struct {
		key   string
		value int64
		least int64
	}{
		{"max_size", c.MaxSize, 0},
		{"max_body_size", c.MaxBodySize, 0},
		{"expiration", int64(c.Expiration), 0},
		{"finished_for", int64(c.FinishedFor), 0},
		{"max_unfinished", int64(c.MaxUnfinished), 0},
		{"lock_wait", int64(c.LockWait), 1},
		{"body_timeout", int64(c.BodyTimeout), 1},
	} {
		if n.value < n.least {
			errs = append(errs, fmt.Errorf("%s: %d is less than %d", n.key, n.value, n.least))
		}
	}
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
	if p, err := vfs.ParseName("/", strings.TrimSuffix(b.Prefix, "/")); err != nil || p == "/" || p != strings.TrimSuffix(b.Prefix, "/") {
		fault("prefix: %q is not a path like /files", b.Prefix)
	}
	if u, err := url.Parse(b.ExternalURL); b.ExternalURL != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		fault("external_url: %q is not a URL like https://upload.example.com", b.ExternalURL)
	}
	return errs
}
