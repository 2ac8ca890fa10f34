package sshd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func TestLogin(t *testing.T) {
	r := start(t)
	other, _ := newKey(t)
	tests := []struct {
		name string
		auth []ssh.AuthMethod
		user string
		ok   bool
	}{
		{"key", []ssh.AuthMethod{ssh.PublicKeys(r.key)}, username, true},
		{"password", []ssh.AuthMethod{ssh.Password(password)}, username, true},
		{"wrong password", []ssh.AuthMethod{ssh.Password("x")}, username, false},
		{"other key", []ssh.AuthMethod{ssh.PublicKeys(other)}, username, false},
		{"other user", []ssh.AuthMethod{ssh.PublicKeys(r.key)}, "bob", false},
		{"second key", []ssh.AuthMethod{ssh.PublicKeys(other, r.key)}, username, true},
		{"nothing", nil, username, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := r.tryDial(func(c *ssh.ClientConfig) { c.Auth, c.User = tt.auth, tt.user })
			if (err == nil) != tt.ok {
				t.Fatalf("login: %v; want ok = %v", err, tt.ok)
			}
			if err == nil {
				c.Close()
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("the client learns the reason: %v", err)
			}
		})
	}
	// Password logins are noted by Authenticate, which here is a double.
	eventually(t, "records of logins", func() bool {
		_, failed := r.logins.record()
		return len(failed) == 3
	})
	noted, failed := r.logins.record()
	slices.Sort(failed)
	if diff := cmp.Diff([]string{"publickey alice", "publickey alice"}, noted); diff != "" {
		t.Errorf("LoggedIn (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"no_auth_tryed alice", "publickey alice", "publickey bob"}, failed); diff != "" {
		t.Errorf("LoginFailed (-want +got):\n%s", diff)
	}
}

func TestIdentityIsTheKeyThatSigned(t *testing.T) {
	r := start(t)
	thief, _ := newKey(t)
	// The public key of alice with the signature of somebody else.
	_, err := r.tryDial(func(c *ssh.ClientConfig) {
		c.Auth = []ssh.AuthMethod{ssh.PublicKeys(mixed{public: r.key.PublicKey(), Signer: thief})}
	})
	if err == nil {
		t.Fatal("logged in with a key whose private part the client does not have")
	}
	noted, _ := r.logins.record()
	if len(noted) > 0 {
		t.Errorf("LoggedIn: %v", noted)
	}
}

// mixed shows one key and signs with another.
type mixed struct {
	ssh.Signer
	public ssh.PublicKey
}

func (m mixed) PublicKey() ssh.PublicKey { return m.public }

func TestPasswordAuthenticationOff(t *testing.T) {
	r := start(t, func(s *setup) { s.cfg.PasswordAuthentication = false })
	_, err := r.tryDial(func(c *ssh.ClientConfig) { c.Auth = []ssh.AuthMethod{ssh.Password(password)} })
	if err == nil {
		t.Fatal("logged in")
	}
	r.dial()
}

// 0 is six tries, a negative number is no limit.
func TestMaxAuthTries(t *testing.T) {
	for limit, want := range map[int]int{2: 2, 0: 6, -1: 15} {
		r := start(t, func(s *setup) { s.cfg.MaxAuthTries = limit })
		tries := 0
		_, err := r.tryDial(func(c *ssh.ClientConfig) {
			c.Auth = []ssh.AuthMethod{ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
				tries++
				return "x", nil
			}), 15)}
		})
		if err == nil || tries != want {
			t.Errorf("limit %d: %d tries, %v; want %d", limit, tries, err, want)
		}
	}
}

func TestBanners(t *testing.T) {
	r := start(t, func(s *setup) {
		s.cfg.LoginBannerFile = filepath.Join(t.TempDir(), "banner")
		must(t, os.WriteFile(s.cfg.LoginBannerFile, []byte("be nice\n"), 0o600))
	})
	var banner string
	c := r.dial(func(c *ssh.ClientConfig) {
		c.BannerCallback = func(text string) error { banner = text; return nil }
	})
	if got := string(c.ServerVersion()); got != "SSH-2.0-SFTPGo_1.2.3" {
		t.Errorf("version %q", got)
	}
	if banner != "be nice\n" {
		t.Errorf("login banner %q", banner)
	}
}

func TestLogOfNegotiation(t *testing.T) {
	r := start(t)
	r.dial()
	eventually(t, "log line", func() bool { return strings.Contains(r.log.String(), "client logged in") })
	for _, want := range []string{"username=alice", "method=publickey", "client=SSH-2.0-Go", "kex=mlkem768x25519-sha256", "host_key=ssh-ed25519", "cipher_in=aes"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("log has no %s", want)
		}
	}
}

func TestNoCommonAlgorithm(t *testing.T) {
	r := start(t)
	_, err := r.tryDial(func(c *ssh.ClientConfig) { c.Ciphers = []string{ssh.InsecureCipherTripleDESCBC} })
	if err == nil {
		t.Fatal("3des accepted")
	}
	eventually(t, "warning", func() bool {
		return strings.Contains(r.log.String(), "no common algorithm") && strings.Contains(r.log.String(), "3des-cbc")
	})
}
