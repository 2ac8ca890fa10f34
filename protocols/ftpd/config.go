package ftpd

import (
	"errors"
	"fmt"
	"net"
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
	// CertificateFile and CertificateKeyFile make TLS available; both or none.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
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
	// TLSMode: 0 clear text and explicit TLS, 1 explicit TLS required for control
	// and data, 2 implicit TLS.
	TLSMode int `json:"tls_mode"`
	// ForcePassiveIP is the IPv4 address shown in PASV replies, behind NAT.
	ForcePassiveIP string `json:"force_passive_ip"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings:                 []Binding{{}},
		ActiveTransfersPortNon20: true,
		PassivePortRange:         PortRange{Start: 50000, End: 50100},
	}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	for i, b := range c.Bindings {
		if b.Port < 0 || b.Port > 65535 {
			errs = append(errs, fmt.Errorf("bindings.%d.port: %d is not a port", i, b.Port))
		}
		if b.TLSMode < 0 || b.TLSMode > 2 {
			errs = append(errs, fmt.Errorf("bindings.%d.tls_mode: %d is not 0 (optional), 1 (explicit, required) or 2 (implicit)", i, b.TLSMode))
		}
		if b.TLSMode > 0 && b.Port > 0 && c.CertificateFile == "" {
			errs = append(errs, fmt.Errorf("bindings.%d.tls_mode: %d needs certificate_file and certificate_key_file", i, b.TLSMode))
		}
		if ip := net.ParseIP(b.ForcePassiveIP); b.ForcePassiveIP != "" && (ip == nil || ip.To4() == nil) {
			errs = append(errs, fmt.Errorf("bindings.%d.force_passive_ip: %q is not an IPv4 address", i, b.ForcePassiveIP))
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
