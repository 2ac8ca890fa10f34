package sshd_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sftpgo/protocols/sshd"
)

// TestNothingInCommon: the log names what is missing, in one record.
func TestNothingInCommon(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server func(*sshd.Config)
		client func(*ssh.ClientConfig)
		want   []string
		not    string
	}{
		{
			name: "key exchange",
			client: func(c *ssh.ClientConfig) {
				c.KeyExchanges = []string{"diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"}
			},
			want: []string{
				`missing="key exchange"`, "client_ip=127.0.0.1", "client=SSH-2.0-Old_1", "server_offers=mlkem768x25519-sha256,curve25519-sha256,",
				"client_has=diffie-hellman-group1-sha1,diffie-hellman-group14-sha1 ", "hint=", "algorithm_profile",
			},
		},
		{
			name:   "host key",
			client: func(c *ssh.ClientConfig) { c.HostKeyAlgorithms = []string{"ssh-rsa"} },
			want:   []string{`missing="host key"`, "client_has=ssh-rsa", "server_offers=ssh-ed25519", "hint="},
		},
		{
			name:   "cipher",
			server: func(c *sshd.Config) { c.Ciphers = []string{"aes256-ctr"} },
			client: func(c *ssh.ClientConfig) { c.Ciphers = []string{"arcfour"} },
			want:   []string{`missing="client to server cipher"`, "client_has=arcfour", "server_offers=aes256-ctr"}, not: "hint=",
		},
		{
			name:   "MAC",
			server: func(c *sshd.Config) { c.Ciphers, c.MACs = []string{"aes256-ctr"}, []string{"hmac-sha2-512"} },
			client: func(c *ssh.ClientConfig) { c.MACs = []string{"hmac-sha1"} },
			want:   []string{`missing="client to server MAC"`, "client_has=hmac-sha1", "server_offers=hmac-sha2-512"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, func(s *setup) {
				if tt.server != nil {
					tt.server(&s.cfg)
				}
			})
			if _, err := r.tryDial(tt.client, func(c *ssh.ClientConfig) { c.ClientVersion = "SSH-2.0-Old_1" }); err == nil {
				t.Fatal("the client comes in")
			}
			var line string
			eventually(t, "record in the log", func() bool {
				for l := range strings.Lines(r.log.String()) {
					if strings.Contains(l, "no common algorithm with the client") {
						line = l
					}
				}
				return line != ""
			})
			for _, want := range tt.want {
				if !strings.Contains(line, want) {
					t.Errorf("%s is not in %s", want, line)
				}
			}
			if tt.not != "" && strings.Contains(line, tt.not) {
				t.Errorf("%s is in %s", tt.not, line)
			}
		})
	}
}

// TestNegotiatedAlgorithms: what is configured is what is used.
func TestNegotiatedAlgorithms(t *testing.T) {
	r := start(t, func(s *setup) {
		s.cfg.KexAlgorithms = []string{"ecdh-sha2-nistp256"}
		s.cfg.Ciphers, s.cfg.MACs = []string{"aes192-ctr"}, []string{"hmac-sha2-512"}
		s.cfg.PublicKeyAlgorithms = []string{"ssh-ed25519"}
	})
	c := r.dial()
	works(t, c)
	got := c.Conn.(ssh.AlgorithmsConnMetadata).Algorithms()
	if got.KeyExchange != "ecdh-sha2-nistp256" || got.Read.Cipher != "aes192-ctr" || got.Write.Cipher != "aes192-ctr" || got.Read.MAC != "hmac-sha2-512" {
		t.Errorf("%+v", got)
	}
	r = start(t, func(s *setup) { s.cfg.PublicKeyAlgorithms = []string{"ecdsa-sha2-nistp256"} })
	if _, err := r.tryDial(); err == nil {
		t.Error("a signature of ssh-ed25519 is taken")
	}
}

// sha1Signer signs with ssh-rsa, as clients of before 2018 do.
type sha1Signer struct{ ssh.AlgorithmSigner }

func (sha1Signer) Algorithms() []string { return []string{ssh.KeyAlgoRSA} }

// TestSignatureNotTaken: a key of ssh-rsa with SHA-1, which is not negotiated.
func TestSignatureNotTaken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	old := func(c *ssh.ClientConfig) {
		c.Auth = []ssh.AuthMethod{ssh.PublicKeys(sha1Signer{signer.(ssh.AlgorithmSigner)})}
	}
	r := start(t)
	if _, err := r.tryDial(old); err == nil {
		t.Fatal("comes in")
	}
	eventually(t, "record", func() bool {
		text := r.log.String()
		return strings.Count(text, "missing=\"signature of users' keys\"") == 1 && strings.Contains(text, "client_has=ssh-rsa server_offers=ssh-ed25519,") &&
			strings.Contains(text, "username=alice") && strings.Contains(text, "hint=")
	})
	r = start(t, func(s *setup) { s.cfg.AlgorithmProfile = "legacy" })
	r.logins.key = signer.PublicKey().Marshal()
	c := r.dial(old)
	works(t, c)
}
