package sshd

import (
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestOffer(t *testing.T) {
	offer := transport()
	safe := ssh.SupportedAlgorithms()
	for _, lists := range [][2][]string{
		{offer.KeyExchanges, safe.KeyExchanges}, {offer.MACs, safe.MACs},
		{ciphers(true), safe.Ciphers}, {ciphers(false), safe.Ciphers}, {offer.PublicKeyAuthAlgorithms, safe.PublicKeyAuths},
	} {
		for _, name := range lists[0] {
			if !slices.Contains(lists[1], name) {
				t.Errorf("%s is not among the safe ones of the library", name)
			}
		}
	}
	if offer.KeyExchanges[0] != ssh.KeyExchangeMLKEM768X25519 {
		t.Error("the first key exchange is not post-quantum")
	}
	if c := ciphers(true); c[0] != ssh.CipherAES128GCM || slices.Contains(c, ssh.CipherChaCha20Poly1305) {
		t.Errorf("with AES in hardware: %v", c)
	}
	if c := ciphers(false); c[0] != ssh.CipherChaCha20Poly1305 {
		t.Errorf("without: %v", c)
	}
}
