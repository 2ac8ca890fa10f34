package sshd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func TestProfiles(t *testing.T) {
	safe := ssh.SupportedAlgorithms()
	safe.KeyExchanges = append(safe.KeyExchanges, curve25519LibSSH)
	for _, aes := range []bool{true, false} {
		o := modern(aes)
		for _, lists := range [][2][]string{
			{o.kex, safe.KeyExchanges}, {o.macs, safe.MACs}, {o.ciphers, safe.Ciphers},
			{o.hostKeys, safe.HostKeys}, {o.publicKeys, safe.PublicKeyAuths},
		} {
			for _, name := range lists[0] {
				if !slices.Contains(lists[1], name) {
					t.Errorf("%s is not among the safe ones of the library", name)
				}
			}
		}
		if o.kex[0] != ssh.KeyExchangeMLKEM768X25519 {
			t.Error("the first key exchange is not post-quantum")
		}
		if len(o.warnings) > 0 {
			t.Errorf("modern warns: %q", o.warnings)
		}
	}
	if c := modern(true).ciphers; c[0] != ssh.CipherAES128GCM || slices.Contains(c, ssh.CipherChaCha20Poly1305) {
		t.Errorf("with AES in hardware: %v", c)
	}
	if c := modern(false).ciphers; c[0] != ssh.CipherChaCha20Poly1305 {
		t.Errorf("without: %v", c)
	}
	o := legacy(true)
	for _, list := range [][]string{o.kex, o.ciphers, o.macs, o.hostKeys, o.publicKeys} {
		for _, name := range list {
			if strings.HasPrefix(name, "arcfour") {
				t.Errorf("legacy has %s", name)
			}
		}
	}
	if len(o.warnings) != 1 {
		t.Errorf("warnings of legacy: %q", o.warnings)
	}
}

// TestAlgorithmLists reads lists as they are in configuration files of 2021, of
// OpenSSH, and mistyped.
func TestAlgorithmLists(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Algorithms
		at     func(offer) []string
		want   []string
		warn   string // what the only warning has
		fault  string // what the error has
	}{
		{
			name:   "the order of the list",
			config: Algorithms{Ciphers: []string{"aes256-ctr", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"}},
			at:     func(o offer) []string { return o.ciphers },
			want:   []string{"aes256-ctr", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"},
		},
		{
			name:   "a name twice",
			config: Algorithms{MACs: []string{"hmac-sha2-256", "hmac-sha2-256"}},
			at:     func(o offer) []string { return o.macs }, want: []string{"hmac-sha2-256"},
		},
		{
			name:   "a list beside the legacy profile",
			config: Algorithms{AlgorithmProfile: "legacy", MACs: []string{"hmac-sha2-256"}},
			at:     func(o offer) []string { return o.macs }, want: []string{"hmac-sha2-256"}, warn: "legacy",
		},
		{
			name:   "the names of 2021",
			config: Algorithms{KexAlgorithms: []string{"curve25519-sha256@libssh.org", "diffie-hellman-group14-sha1"}},
			at:     func(o offer) []string { return o.kex },
			want:   []string{"curve25519-sha256@libssh.org", "diffie-hellman-group14-sha1"}, warn: "diffie-hellman-group14-sha1 is not safe",
		},
		{
			name:   "RC4 by name",
			config: Algorithms{Ciphers: []string{"arcfour"}},
			at:     func(o offer) []string { return o.ciphers }, want: []string{"arcfour"}, warn: "arcfour is not safe",
		},
		{
			name:   "what only OpenSSH has",
			config: Algorithms{MACs: []string{"umac-64@openssh.com", "hmac-sha2-256-etm@openssh.com"}},
			at:     func(o offer) []string { return o.macs },
			want:   []string{"hmac-sha2-256-etm@openssh.com"}, warn: "umac-64@openssh.com is not available and left out",
		},
		{
			name:   "nothing left",
			config: Algorithms{Ciphers: []string{"blowfish-cbc", "aes256-cbc"}}, fault: "ciphers: nothing of blowfish-cbc, aes256-cbc is available",
		},
		{
			name:   "mistyped",
			config: Algorithms{HostKeyAlgorithms: []string{"ssh-ed25519", "rsa-sha2-265"}},
			fault:  `host_key_algorithms.1: "rsa-sha2-265" is not a signature of host keys; did you mean "rsa-sha2-256"? (there are `,
		},
		{
			name:   "without @openssh.com",
			config: Algorithms{Ciphers: []string{"aes256-gcm"}}, fault: `did you mean "aes256-gcm@openssh.com"?`,
		},
		{
			name:   "of another kind",
			config: Algorithms{PublicKeyAlgorithms: []string{"aes128-ctr"}}, fault: `public_key_algorithms.0: "aes128-ctr" is not a signature of users' keys (`,
		},
		{
			name:   "profile",
			config: Algorithms{AlgorithmProfile: "legasy"}, fault: `algorithm_profile: "legasy" is not a profile; did you mean "legacy"?`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := tt.config.offer(true)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want %s", err, tt.fault)
				}
				if err := (Config{Algorithms: tt.config}).Validate(); err == nil {
					t.Error("the configuration is valid")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.at(o)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if warnings := strings.Join(o.warnings, "\n"); tt.warn == "" && warnings != "" || !strings.Contains(warnings, tt.warn) || len(o.warnings) > 1 {
				t.Errorf("warnings %q, want %q", o.warnings, tt.warn)
			}
		})
	}
}

// TestOtherLists: a list leaves the others as they are.
func TestOtherLists(t *testing.T) {
	o, err := Algorithms{KexAlgorithms: []string{"curve25519-sha256"}}.offer(true)
	if err != nil {
		t.Fatal(err)
	}
	want := modern(true)
	want.kex = []string{"curve25519-sha256"}
	if diff := cmp.Diff(want, o, cmp.AllowUnexported(offer{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestElsewhere: what the library learns must leave the list of what it has not.
func TestElsewhere(t *testing.T) {
	for _, l := range []ssh.Algorithms{ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()} {
		for _, name := range slices.Concat(l.KeyExchanges, l.Ciphers, l.MACs) {
			if slices.Contains(elsewhere(), name) {
				t.Errorf("%s is available", name)
			}
		}
	}
}
