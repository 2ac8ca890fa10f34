package telemetry

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
)

// Config is the "telemetry" section.
type Config struct {
	// BindPort is the port of the listener; 0 is off unless BindAddress is the
	// path of a Unix socket.
	BindPort int `json:"bind_port"`
	// BindAddress is an address or the absolute path of a Unix socket.
	BindAddress string `json:"bind_address"`
	// EnableProfiler serves /debug/pprof/.
	EnableProfiler bool `json:"enable_profiler"`
	// AuthUserFile is an htpasswd file (bcrypt, $1$, $apr1$) that guards all but
	// /healthz; empty is open.
	AuthUserFile string `json:"auth_user_file"`
	// CertificateFile and CertificateKeyFile serve HTTPS; both or none.
	CertificateFile    string `json:"certificate_file"`
	CertificateKeyFile string `json:"certificate_key_file"`
	// TLSCipherSuites replaces the cipher suites of TLS 1.2, by their Go names;
	// empty is the choice of Go. Those of TLS 1.3 are fixed.
	TLSCipherSuites []string `json:"tls_cipher_suites"`
}

// Enabled reports whether there is anything to listen on.
func (c Config) Enabled() bool { return c.BindPort > 0 || c.socket() }

// socket reports whether BindAddress is the path of a Unix socket.
func (c Config) socket() bool { return filepath.IsAbs(c.BindAddress) }

// private reports whether only this machine can connect.
func (c Config) private() bool {
	ip := net.ParseIP(c.BindAddress)
	return c.socket() || c.BindAddress == "localhost" || ip != nil && ip.IsLoopback()
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config { return Config{BindPort: 10000, BindAddress: "127.0.0.1"} }

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if c.BindPort < 0 || c.BindPort > 65535 {
		errs = append(errs, fmt.Errorf("bind_port: %d is not a port", c.BindPort))
	}
	if (c.CertificateFile == "") != (c.CertificateKeyFile == "") {
		errs = append(errs, errors.New("certificate_file: set it together with certificate_key_file"))
	}
	if _, err := cipherSuites(c.TLSCipherSuites); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
