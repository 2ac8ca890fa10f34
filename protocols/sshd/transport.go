package sshd

import (
	"log/slog"

	"golang.org/x/crypto/ssh"
)

// transport returns the server's side of the negotiation: what it offers, and
// the host keys, which are relative to dir.
func (c Config) transport(dir string, log *slog.Logger) (ssh.ServerConfig, error) {
	offer, err := c.offer(hasAES())
	if err != nil {
		return ssh.ServerConfig{}, err
	}
	for _, text := range offer.warnings {
		log.Warn("algorithms: " + text)
	}
	keys, err := hostKeys(dir, c.HostKeys, c.minRSABits(), log)
	if err != nil {
		return ssh.ServerConfig{}, err
	}
	certificates, err := hostCertificates(dir, c.HostCertificates, keys, log)
	if err != nil {
		return ssh.ServerConfig{}, err
	}
	signers, err := hostSigners(keys, certificates, offer.hostKeys, log)
	if err != nil {
		return ssh.ServerConfig{}, err
	}
	s := ssh.ServerConfig{
		Config:                  ssh.Config{KeyExchanges: offer.kex, Ciphers: offer.ciphers, MACs: offer.macs},
		PublicKeyAuthAlgorithms: offer.publicKeys,
		MaxAuthTries:            c.MaxAuthTries,
	}
	for _, signer := range signers {
		s.AddHostKey(signer)
	}
	return s, nil
}

// minRSABits is the size of the smallest RSA host key that is used.
func (c Config) minRSABits() int {
	if c.AlgorithmProfile == profileLegacy {
		return 1024 // Go signs with nothing smaller
	}
	return 2048
}
