package sshd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sftpgo/config/spelling"
)

// Algorithms is the part of the "sftpd" section that says what the transport
// offers. An empty list is that of the profile, any other replaces it.
type Algorithms struct {
	// AlgorithmProfile says what is offered where the lists of algorithms are
	// empty: "modern", or "legacy", which adds what devices and programs from
	// before about 2018 need (SHA-1, CBC, groups of 1024 bits) and weakens the
	// server for all.
	AlgorithmProfile string `json:"algorithm_profile"`
	// KexAlgorithms replaces the key exchanges of the profile; the first is
	// preferred.
	KexAlgorithms []string `json:"kex_algorithms"`
	// Ciphers replaces the ciphers of the profile; the first that the client has
	// is used, with others of its kind (GCM, CTR, CBC).
	Ciphers []string `json:"ciphers"`
	// MACs replaces the message authentication codes of the profile; the first is
	// preferred. AES-GCM and ChaCha20-Poly1305 need none.
	MACs []string `json:"macs"`
	// HostKeyAlgorithms replaces the signatures of the profile that the host keys
	// and certificates are used for; a key for which none is listed is not used.
	HostKeyAlgorithms []string `json:"host_key_algorithms"`
	// PublicKeyAlgorithms replaces the signatures of the profile that are taken
	// from the keys and certificates of users.
	PublicKeyAlgorithms []string `json:"public_key_algorithms"`
}

// offer is what the transport offers, complete.
type offer struct {
	kex, ciphers, macs, hostKeys, publicKeys []string
	warnings                                 []string // for the log
}

// category is one kind of algorithm.
type category struct {
	key  string // of the configuration
	what string
	list []string                      // as configured
	of   func(ssh.Algorithms) []string // the part of the library's lists
	at   func(*offer) *[]string        // where it belongs in an offer
}

func (a Algorithms) categories() []category {
	return []category{
		{
			"kex_algorithms", "a key exchange", a.KexAlgorithms,
			func(l ssh.Algorithms) []string { return l.KeyExchanges }, func(o *offer) *[]string { return &o.kex },
		},
		{
			"ciphers", "a cipher", a.Ciphers,
			func(l ssh.Algorithms) []string { return l.Ciphers }, func(o *offer) *[]string { return &o.ciphers },
		},
		{
			"macs", "a message authentication code", a.MACs,
			func(l ssh.Algorithms) []string { return l.MACs }, func(o *offer) *[]string { return &o.macs },
		},
		{
			"host_key_algorithms", "a signature of host keys", a.HostKeyAlgorithms,
			func(l ssh.Algorithms) []string { return l.HostKeys }, func(o *offer) *[]string { return &o.hostKeys },
		},
		{
			"public_key_algorithms", "a signature of users' keys", a.PublicKeyAlgorithms,
			func(l ssh.Algorithms) []string { return l.PublicKeyAuths }, func(o *offer) *[]string { return &o.publicKeys },
		},
	}
}

// offer puts profile and lists together. aes says that the CPU has AES in
// hardware. The error holds all faults, each with its key in front.
func (a Algorithms) offer(aes bool) (offer, error) {
	o, err := profileOffer(a.AlgorithmProfile, aes)
	if err != nil {
		return offer{}, err
	}
	var errs []error
	for _, c := range a.categories() {
		if len(c.list) == 0 {
			continue
		}
		list, warnings, err := c.choose()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*c.at(&o) = list
		o.warnings = append(o.warnings, warnings...)
	}
	return o, errors.Join(errs...)
}

// choose returns the configured list without repetitions and without what only
// other programs have. What was never the name of an algorithm is a fault.
func (c category) choose() (list, warnings []string, err error) {
	safe, unsafe := c.of(ssh.SupportedAlgorithms()), c.of(ssh.InsecureAlgorithms())
	if c.key == "kex_algorithms" {
		safe = append(safe, curve25519LibSSH)
	}
	var errs []error
	for i, name := range c.list {
		switch {
		case slices.Contains(list, name): // again
		case slices.Contains(safe, name):
			list = append(list, name)
		case slices.Contains(unsafe, name):
			list = append(list, name)
			warnings = append(warnings, fmt.Sprintf("%s: %s is not safe", c.key, name))
		case slices.Contains(elsewhere(), name):
			warnings = append(warnings, fmt.Sprintf("%s: %s is not available and left out", c.key, name))
		default:
			errs = append(errs, fmt.Errorf("%s.%d: %w", c.key, i, c.unknown(name, slices.Concat(safe, unsafe))))
		}
	}
	if len(list) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: nothing of %s is available; possible are %s", c.key,
			strings.Join(c.list, ", "), strings.Join(slices.Concat(safe, unsafe), ", ")))
	}
	return list, warnings, errors.Join(errs...)
}

func (c category) unknown(name string, have []string) error {
	hint := ""
	if meant := spelling.Nearest(name, have); meant != "" {
		hint = fmt.Sprintf("; did you mean %q?", meant)
	}
	return fmt.Errorf("%q is not %s%s (there are %s)", name, c.what, hint, strings.Join(have, ", "))
}
