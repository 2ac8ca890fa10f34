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
	// EnabledSSHCommands are the commands that clients may run: cd, pwd, scp,
	// md5sum, sha1sum, sha256sum, sha384sum, sha512sum, sftpgo-copy,
	// sftpgo-remove, and those that start a program of the host:
	// git-receive-pack, git-upload-pack, git-upload-archive, rsync. "*" is all. With
	// scp come the lines of file commands that WinSCP's file protocol SCP needs.
	EnabledSSHCommands []string `json:"enabled_ssh_commands"`
	// PasswordAuthentication offers the method "password".
	PasswordAuthentication bool `json:"password_authentication"`
	// KeyboardInteractiveAuthentication offers the method "keyboard-interactive",
	// in which the server asks for the password. A valid keyboard_interactive_auth_hook
	// offers it as well.
	KeyboardInteractiveAuthentication bool `json:"keyboard_interactive_authentication"`
	// KeyboardInteractiveAuthHook asks the questions of "keyboard-interactive" instead: the
	// absolute path of a program, or a URL.
	KeyboardInteractiveAuthHook string `json:"keyboard_interactive_auth_hook"`
	// TrustedUserCAKeys are files with public keys, one to a line, relative to the
	// configuration directory, whose certificates let users in.
	TrustedUserCAKeys []string `json:"trusted_user_ca_keys"`
	// RevokedUserCertsFile lists keys and certificates that do not, or no more:
	// fingerprints, public keys, or a key revocation list of ssh-keygen -k. Read
	// again on SIGHUP, as are the keys of authorities.
	RevokedUserCertsFile string `json:"revoked_user_certs_file"`
}

// Binding is one address of the SSH server.
type Binding struct {
	Port    int    `json:"port"`    // 0 is off
	Address string `json:"address"` // empty is all interfaces
	// ApplyProxyConfig has common.proxy_protocol apply to this address.
	ApplyProxyConfig bool `json:"apply_proxy_config"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Bindings:               []Binding{{Port: 2022, ApplyProxyConfig: true}},
		HostKeys:               []string{},
		Algorithms:             Algorithms{AlgorithmProfile: profileModern},
		EnabledSSHCommands:     []string{"md5sum", "sha1sum", "cd", "pwd", "scp"},
		PasswordAuthentication: true,
		TrustedUserCAKeys:      []string{},
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
	for i, file := range c.TrustedUserCAKeys {
		if file == "" {
			errs = append(errs, fmt.Errorf("trusted_user_ca_keys.%d: is empty", i))
		}
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
