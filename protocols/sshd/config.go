package sshd

import (
	"errors"
	"fmt"
	"strings"
)

// Config is the "sftpd" section.
type Config struct {
	// Bindings are the addresses to listen on.
	Bindings []Binding `json:"bindings"`
	// MaxAuthTries is the number of login attempts per connection; 0 is 6,
	// a negative number is no limit.
	MaxAuthTries int `json:"max_auth_tries"`
	// Banner is the software version sent as SSH-2.0-<banner>; empty is
	// SFTPGo_<version>.
	Banner string `json:"banner"`
	// HostKeys are files with private keys, relative to the configuration
	// directory. Empty: id_rsa and id_ed25519 there, made when missing, and
	// id_ecdsa, if it is there.
	HostKeys []string `json:"host_keys"`
	// HostCertificates are files with certificates for host keys, as ssh-keygen -h
	// makes them, relative to the configuration directory.
	HostCertificates []string `json:"host_certificates"`
	Algorithms
	// LoginBannerFile holds the text shown before authentication.
	LoginBannerFile string `json:"login_banner_file"`
	// EnabledSSHCommands are the commands that clients may run. "*" is all.
	EnabledSSHCommands []string `json:"enabled_ssh_commands"`
	// PasswordAuthentication offers the method "password".
	PasswordAuthentication bool `json:"password_authentication"`
}

// Binding is one address of the SSH server.
type Binding struct {
	Port    int    `json:"port"`    // 0 is off
	Address string `json:"address"` // empty is all interfaces
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings:               []Binding{{Port: 2022}},
		HostKeys:               []string{},
		Algorithms:             Algorithms{AlgorithmProfile: profileModern},
		EnabledSSHCommands:     []string{"scp"},
		PasswordAuthentication: true,
	}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	for i, b := range c.Bindings {
		if b.Port < 0 || b.Port > 65535 {
			errs = append(errs, fmt.Errorf("bindings.%d.port: %d is not a port", i, b.Port))
		}
	}
	// RFC 4253, 4.2: printable ASCII, and 255 bytes for the whole line.
	if len(c.Banner) > 200 || strings.ContainsFunc(c.Banner, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, errors.New("banner: at most 200 printable ASCII characters are allowed"))
	}
	for i, file := range c.HostKeys {
		if file == "" {
			errs = append(errs, fmt.Errorf("host_keys.%d: is empty", i))
		}
	}
	for i, file := range c.HostCertificates {
		if file == "" {
			errs = append(errs, fmt.Errorf("host_certificates.%d: is empty", i))
		}
	}
	_, err := c.offer(hasAES())
	return errors.Join(append(errs, err)...)
}
