package ftpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"

	"sftpgo/protocols/certs"
)

// Config is the "ftpd" section.
type Config struct {
	// Bindings are the addresses to listen on.
	Bindings []Binding `json:"bindings"`
	// Banner is the greeting; empty is "SFTPGo <version> ready".
	Banner string `json:"banner"`
	// BannerFile replaces Banner by the content of a file.
	BannerFile string `json:"banner_file"`
	// ActiveTransfersPortNon20 lets active data connections leave from any port.
	ActiveTransfersPortNon20 bool `json:"active_transfers_port_non_20"`
	// PassivePortRange is where clients connect for passive data connections.
	PassivePortRange PortRange `json:"passive_port_range"`
	// DisableActiveMode refuses PORT and EPRT.
	DisableActiveMode bool `json:"disable_active_mode"`
	// CertificateFile and CertificateKeyFile are PEM files, relative to the
	// configuration directory; both or none. Without them the server makes a
	// certificate and keeps it there, in ftpd_selfsigned.pem.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
	// CACertificates are PEM files with the certificates of those who sign client
	// certificates.
	CACertificates []string `json:"ca_certificates"`
	// CARevocationLists are files with lists of client certificates that are not
	// valid any more. Read again on SIGHUP, as are the certificates.
	CARevocationLists []string `json:"ca_revocation_lists"`
	// EnableSite offers SITE CHMOD, SITE SYMLINK and SITE UTIME.
	EnableSite bool `json:"enable_site"`
	// HashSupport: 1 offers HASH, XCRC, MD5, XMD5, XSHA, XSHA1, XSHA256 and XSHA512,
	// which read whole files at the wish of a client; 0 does not.
	HashSupport int `json:"hash_support"`
	// CombineSupport: 1 offers COMB, which joins files; 0 does not.
	CombineSupport int `json:"combine_support"`
}

// PortRange is a range of ports, both ends included. It is used if Start > 0 and
// End > Start; otherwise the system picks a port.
type PortRange struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Binding is one address of the FTP server.
type Binding struct {
	Port    int    `json:"port"`    // 0 is off
	Address string `json:"address"` // empty is all interfaces
	// ApplyProxyConfig has common.proxy_protocol apply to this address. Data
	// connections have no header.
	ApplyProxyConfig bool `json:"apply_proxy_config"`
	// TLSMode: 0 clear text and explicit TLS, 1 explicit TLS required for control
	// and data, 2 implicit TLS.
	TLSMode int `json:"tls_mode"`
	// CertificateFile and CertificateKeyFile replace those of all bindings; both or
	// none.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
	// MinTLSVersion: 12 is TLS 1.2, 13 is TLS 1.3.
	MinTLSVersion int `json:"min_tls_version"`
	// TLSCipherSuites are the suites of TLS 1.2 by their Go names; empty is the
	// default of Go. Unknown and unsafe ones are left out, with a warning.
	TLSCipherSuites []string `json:"tls_cipher_suites"`
	// TLSSessionReuse: 1 takes a data connection with TLS only if it resumes the
	// session of its control connection; 0 is optional.
	TLSSessionReuse int `json:"tls_session_reuse"`
	// TLSEnd: 1 takes an upload over TLS for whole only if TLS was ended properly
	// (close_notify); 0 does not insist, because many clients just close the connection.
	TLSEnd int `json:"tls_end"`
	// ClientAuthType: 1 demands a client certificate, 2 verifies one if it is given,
	// 0 asks for none. 1 and 2 need ca_certificates.
	ClientAuthType int `json:"client_auth_type"`
	// ForcePassiveIP is the IPv4 address shown in PASV replies, behind NAT.
	ForcePassiveIP string `json:"force_passive_ip"`
	// PassiveHost is a name that is resolved for each PASV instead, when the address
	// outside changes.
	PassiveHost string `json:"passive_host"`
	// PassiveIPOverrides are other addresses for clients of some networks; the first
	// that fits is used.
	PassiveIPOverrides []PassiveIPOverride `json:"passive_ip_overrides"`
	// PassiveConnectionsSecurity: 0 takes passive data connections only from the
	// address of the control connection, 1 from anywhere: a stranger may be quicker.
	PassiveConnectionsSecurity int `json:"passive_connections_security"`
}

// The values of Binding.TLSSessionReuse, TLSEnd and PassiveConnectionsSecurity.
const (
	reuseRequired       = 1
	endStrict           = 1
	passiveFromAnywhere = 1
)

// used tells whether the range has an effect.
func (r PortRange) used() bool { return r.Start > 0 && r.End > r.Start }

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings:                 []Binding{{ApplyProxyConfig: true, MinTLSVersion: 12, TLSCipherSuites: []string{}, PassiveIPOverrides: []PassiveIPOverride{}}},
		CACertificates:           []string{},
		CARevocationLists:        []string{},
		ActiveTransfersPortNon20: true,
		PassivePortRange:         PortRange{Start: 50000, End: 50100},
	}
}

// tlsFaults are those of TLS in b; they begin with the key.
func (c Config) tlsFaults(b Binding) []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if b.TLSMode < tlsOptional || b.TLSMode > tlsImplicit {
		fault("tls_mode: %d is not 0 (optional), 1 (explicit, required) or 2 (implicit)", b.TLSMode)
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
	if b.TLSSessionReuse < 0 || b.TLSSessionReuse > reuseRequired {
		fault("tls_session_reuse: %d is not 0 (optional) or 1 (required)", b.TLSSessionReuse)
	}
	if b.TLSEnd < 0 || b.TLSEnd > endStrict {
		fault("tls_end: %d is not 0 (any) or 1 (strict)", b.TLSEnd)
	}
	switch kind, ok := certs.ClientAuth(b.ClientAuthType); {
	case !ok:
		fault("client_auth_type: %d is not 0 (none), 1 (required) or 2 (verified if given)", b.ClientAuthType)
	case kind != tls.NoClientCert && len(c.CACertificates) == 0:
		fault("client_auth_type: %d needs ca_certificates", b.ClientAuthType)
	}
	return errs
}

// passiveFaults are those of passive mode in b; they begin with the key.
func (b Binding) passiveFaults() []error {
	var errs []error
	ipv4 := func(key, value string) {
		if ip, err := netip.ParseAddr(value); value != "" && (err != nil || !ip.Is4()) {
			errs = append(errs, fmt.Errorf("%s: %q is not an IPv4 address", key, value))
		}
	}
	ipv4("force_passive_ip", b.ForcePassiveIP)
	if b.ForcePassiveIP != "" && b.PassiveHost != "" {
		errs = append(errs, errors.New("passive_host: set it or force_passive_ip"))
	}
	for i, o := range b.PassiveIPOverrides {
		ipv4(fmt.Sprintf("passive_ip_overrides.%d.ip", i), o.IP)
		for j, cidr := range o.Networks {
			if _, err := netip.ParsePrefix(cidr); err != nil {
				errs = append(errs, fmt.Errorf("passive_ip_overrides.%d.networks.%d: %q is not a network like 10.0.0.0/8", i, j, cidr))
			}
		}
	}
	if p := b.PassiveConnectionsSecurity; p < 0 || p > passiveFromAnywhere {
		errs = append(errs, fmt.Errorf("passive_connections_security: %d is not 0 (from the client only) or 1 (from anywhere)", p))
	}
	return errs
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	for i, b := range c.Bindings {
		if b.Port < 0 || b.Port > 65535 {
			errs = append(errs, fmt.Errorf("bindings.%d.port: %d is not a port", i, b.Port))
		}
		for _, err := range append(c.tlsFaults(b), b.passiveFaults()...) {
			errs = append(errs, fmt.Errorf("bindings.%d.%w", i, err))
		}
	}
	if (c.CertificateFile == "") != (c.CertificateKeyFile == "") {
		errs = append(errs, errors.New("certificate_file: set it together with certificate_key_file"))
	}
	if c.HashSupport < 0 || c.HashSupport > supported {
		errs = append(errs, fmt.Errorf("hash_support: %d is not 0 (off) or 1 (on)", c.HashSupport))
	}
	if c.CombineSupport < 0 || c.CombineSupport > supported {
		errs = append(errs, fmt.Errorf("combine_support: %d is not 0 (off) or 1 (on)", c.CombineSupport))
	}
	if r := c.PassivePortRange; r.Start < 0 || r.End > 65535 {
		errs = append(errs, fmt.Errorf("passive_port_range: %d-%d is not a range of ports", r.Start, r.End))
	}
	return errors.Join(errs...)
}
