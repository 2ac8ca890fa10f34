package sshd

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"

	"sftpgo/config/spelling"
)

// The values of algorithm_profile.
const (
	profileModern = "modern"
	profileLegacy = "legacy"
)

// curve25519LibSSH is the name of curve25519-sha256 before RFC 8731; the SSH
// library has it under both and offers it with the other.
const curve25519LibSSH = "curve25519-sha256@libssh.org"

// profileOffer returns what a profile offers. docs/decisions/ssh-algorithms.md
// says why.
func profileOffer(name string, aes bool) (offer, error) {
	switch name {
	case "", profileModern:
		return modern(aes), nil
	case profileLegacy:
		return legacy(aes), nil
	}
	profiles, hint := []string{profileModern, profileLegacy}, ""
	if meant := spelling.Nearest(name, profiles); meant != "" {
		hint = fmt.Sprintf("; did you mean %q?", meant)
	}
	return offer{}, fmt.Errorf("algorithm_profile: %q is not a profile%s (there are %s)", name, hint, strings.Join(profiles, ", "))
}

// modern has nothing that ssh-audit fails, except the signatures of an ECDSA
// host key, if there is one.
func modern(aes bool) offer {
	safe := ssh.SupportedAlgorithms()
	return offer{
		kex: []string{
			ssh.KeyExchangeMLKEM768X25519,
			ssh.KeyExchangeCurve25519, curve25519LibSSH,
			ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDHGEXSHA256, ssh.KeyExchangeDH14SHA256,
		},
		ciphers: ciphers(aes),
		// The last is not encrypt-then-MAC: libssh2 before 1.11 has none that is.
		macs:       []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256},
		hostKeys:   hostKeyOrder(safe.HostKeys),
		publicKeys: safe.PublicKeyAuths,
	}
}

// legacy adds what is not broken outright. What is, RC4, has to be asked for by
// name.
func legacy(aes bool) offer {
	o := modern(aes)
	o.kex = append(o.kex,
		ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
		ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDHGEXSHA1, ssh.InsecureKeyExchangeDH1SHA1)
	o.ciphers = append(o.ciphers, ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC)
	o.macs = append(o.macs, ssh.HMACSHA512, ssh.HMACSHA1, ssh.InsecureHMACSHA196)
	o.hostKeys = append(o.hostKeys, ssh.CertAlgoRSAv01, ssh.KeyAlgoRSA)
	o.publicKeys = append(o.publicKeys, ssh.KeyAlgoRSA, "ssh-dss")
	o.warnings = []string{`algorithm_profile is "legacy": SHA-1, CBC and small groups are offered to all clients`}
	return o
}

// ciphers returns the offer. The client's first choice among it wins, which for
// OpenSSH is chacha20-poly1305 whenever it is there; on a CPU that does AES in
// hardware it costs three times as much per byte as AES-GCM, so it is left out
// there.
func ciphers(aes bool) []string {
	list := []string{
		ssh.CipherAES128GCM, ssh.CipherAES256GCM,
		ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
	}
	if aes {
		return list
	}
	return slices.Insert(list, 0, ssh.CipherChaCha20Poly1305)
}

// hostKeyOrder puts Ed25519 first, then RSA, and last ECDSA, whose signatures give
// the key away if the random numbers are bad.
func hostKeyOrder(names []string) []string {
	rank := func(name string) int {
		switch {
		case strings.Contains(name, "ed25519"):
			return 0
		case strings.Contains(name, "rsa-"):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// hasAES reports whether the CPU does both halves of AES-GCM.
func hasAES() bool {
	return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ ||
		cpu.ARM64.HasAES && cpu.ARM64.HasPMULL ||
		cpu.S390X.HasAES && cpu.S390X.HasAESGCM
}
