package sshd_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/sshd"
)

// challenge answers every question with text.
func challenge(text string) ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = text
		}
		return answers, nil
	})
}

func TestLoginMethods(t *testing.T) {
	ca, _ := newKey(t)
	r := startWithAccounts(t, ca, nil)
	other, _ := newKey(t)
	single := []string{"publickey", "password", "keyboard-interactive"}
	r.put(username, func(u *dataprovider.User) { u.PublicKeys = []string{authorizedLine(r.key), authorizedLine(other)} })
	for name, denied := range map[string][]string{
		"two":      single,
		"keyboard": append([]string{"publickey+password"}, single...),
		"nokey":    {"publickey"},
		"onlykey":  {"password", "keyboard-interactive"},
		"closed":   append([]string{"publickey+password", "publickey+keyboard-interactive"}, single...),
	} {
		r.put(name, func(u *dataprovider.User) {
			u.PublicKeys, u.Filters.DeniedLoginMethods = []string{authorizedLine(r.key)}, denied
		})
	}
	stranger, _ := newKey(t)
	key, pass, ask := ssh.PublicKeys(r.key), ssh.Password(password), challenge(password)
	for _, c := range []struct {
		name, user string
		auth       []ssh.AuthMethod
		method     string // empty: refused
	}{
		{"key", username, []ssh.AuthMethod{key}, "publickey"},
		{"password", username, []ssh.AuthMethod{pass}, "password"},
		{"questions", username, []ssh.AuthMethod{ask}, "keyboard-interactive"},
		{"wrong answer", username, []ssh.AuthMethod{challenge("x")}, ""},
		{"many keys", username, []ssh.AuthMethod{ssh.PublicKeys(stranger, other, r.key)}, "publickey"},
		{"key, then password", "two", []ssh.AuthMethod{key, pass}, "publickey+password"},
		{"password, then key and password", "two", []ssh.AuthMethod{ssh.Password("x"), key, ask}, "publickey+keyboard-interactive"},
		{"key, then questions", "two", []ssh.AuthMethod{key, ask}, "publickey+keyboard-interactive"},
		{"key, wrong password", "two", []ssh.AuthMethod{key, ssh.Password("x")}, ""},
		{"key alone", "two", []ssh.AuthMethod{key}, ""},
		{"password alone", "two", []ssh.AuthMethod{pass}, ""},
		{"questions alone", "two", []ssh.AuthMethod{ask}, ""},
		{"other key, password", "two", []ssh.AuthMethod{ssh.PublicKeys(stranger), pass}, ""},
		{"several keys, password", "two", []ssh.AuthMethod{ssh.PublicKeys(stranger, r.key), pass}, "publickey+password"},
		{"the denied second step", "keyboard", []ssh.AuthMethod{key, pass}, ""},
		{"the other second step", "keyboard", []ssh.AuthMethod{key, pass, ask}, "publickey+keyboard-interactive"},
		{"denied key", "nokey", []ssh.AuthMethod{key}, ""},
		{"denied key, password", "nokey", []ssh.AuthMethod{key, pass}, "password"},
		{"denied password", "onlykey", []ssh.AuthMethod{pass, ask}, ""},
		{"key of who has only that", "onlykey", []ssh.AuthMethod{key}, "publickey"},
		{"nothing is left", "closed", []ssh.AuthMethod{key, pass, ask}, ""},
		{"unknown", "nobody", []ssh.AuthMethod{key, pass, ask}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := r.tryDial(func(cfg *ssh.ClientConfig) { cfg.User, cfg.Auth = c.user, c.auth })
			if (err == nil) != (c.method != "") {
				t.Fatalf("login: %v", err)
			}
			if err != nil {
				return
			}
			client.Close()
			want := "sender=login ip=127.0.0.1 username=" + c.user + " method=" + c.method + " "
			eventually(t, want, func() bool { return strings.Contains(r.log.String(), want) })
		})
	}
	// The client that signed and left, as any other failure.
	want := `username=two login_type=publickey protocol=SSH error="client signed with a key and ended without the second step"`
	eventually(t, want, func() bool { return strings.Contains(r.log.String(), want) })
}

// Without the method on the server a second step cannot be taken; the key is
// refused before the client signs.
func TestSecondStepNotOffered(t *testing.T) {
	ca, _ := newKey(t)
	r := startWithAccounts(t, ca, func(cfg *sshd.Config, _ *auth.Config) {
		cfg.PasswordAuthentication, cfg.KeyboardInteractiveAuthentication = false, false
	})
	r.put("two", func(u *dataprovider.User) {
		u.PublicKeys = []string{authorizedLine(r.key)}
		u.Filters.DeniedLoginMethods = []string{"publickey", "password", "keyboard-interactive"}
	})
	_, err := r.tryDial(func(cfg *ssh.ClientConfig) {
		cfg.User, cfg.Auth = "two", []ssh.AuthMethod{ssh.PublicKeys(r.key), ssh.Password(password), challenge(password)}
	})
	if err == nil {
		t.Fatal("logged in")
	}
	eventually(t, "reason", func() bool { return strings.Contains(r.log.String(), "not offered by this server") })
}

// The command that a certificate admits is the only one, in one step and in two.
func TestForceCommand(t *testing.T) {
	ca, _ := newKey(t)
	r := startWithAccounts(t, ca, nil)
	r.put(username, nil)
	r.write("f", "text")
	for _, c := range []struct {
		command    string
		sftp       bool
		accepted   string // command lines
		notAllowed string
	}{
		{"internal-sftp", true, "", "scp -f f|pwd"},
		{"internal-sftp -l INFO -f AUTH -e", true, "", "scp -f f"},
		{"/usr/lib/openssh/sftp-server", true, "", "scp -f f"},
		{"internal-sftp -R", false, "", "scp -f f"},
		{"internal-sftp -l", false, "", "scp -f f"},
		{"scp", false, "scp -f f|'scp' -f f", "pwd|scpx -f f"},
		{"scp -f f", false, "scp -f f", "scp -f g|scp -f f g|scp -t f|scp"},
	} {
		t.Run(c.command, func(t *testing.T) {
			client := r.dial(func(cfg *ssh.ClientConfig) {
				cfg.Auth = []ssh.AuthMethod{ssh.PublicKeys(certificate(t, ca, r.key, func(cert *ssh.Certificate) {
					cert.CriticalOptions["force-command"] = c.command
				}))}
			})
			s, err := sftp.NewClient(client)
			if (err == nil) != c.sftp {
				t.Errorf("sftp: %v", err)
			}
			if err == nil {
				if _, err := s.Stat("/f"); err != nil {
					t.Error(err)
				}
				s.Close()
			}
			for line := range strings.SplitSeq(c.accepted, "|") {
				if line != "" && refused(t, client, line) {
					t.Errorf("%q is refused", line)
				}
			}
			for line := range strings.SplitSeq(c.notAllowed, "|") {
				if !refused(t, client, line) {
					t.Errorf("%q is run", line)
				}
			}
		})
	}
}

// refused runs a command and reports whether the certificate kept it from that.
func refused(t *testing.T, client *ssh.Client, line string) bool {
	t.Helper()
	s, err := client.NewSession()
	must(t, err)
	defer s.Close()
	var text strings.Builder
	s.Stderr = &text
	s.Stdin = strings.NewReader("\x00\x00\x00\x00")
	err = s.Run(line)
	if strings.Contains(text.String(), "does not admit") {
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != 1 {
			t.Errorf("%q: %v", line, err)
		}
		return true
	}
	return false
}

// A dialogue that takes too long ends the connection, whatever the client does.
func TestSilentDialogue(t *testing.T) {
	ca, _ := newKey(t)
	ended := make(chan error, 1)
	r := startWithAccounts(t, ca, func(_ *sshd.Config, cfg *auth.Config) {
		cfg.Interviewer = interviewer(func(ctx context.Context, _ auth.Candidate, ask auth.Dialogue) error {
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, err := ask(over, "", []auth.Question{{Text: "?"}})
			ended <- err
			return err
		})
	})
	r.put(username, nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	release := make(chan struct{})
	defer close(release)
	wg.Go(func() {
		_, err := r.tryDial(func(cfg *ssh.ClientConfig) {
			cfg.Auth = []ssh.AuthMethod{ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				<-release
				return make([]string, len(questions)), nil
			})}
		})
		if err == nil {
			t.Error("logged in")
		}
	})
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a silent client was answered for")
		}
	case <-time.After(10 * time.Second):
		t.Error("the dialogue goes on")
	}
}

type interviewer func(context.Context, auth.Candidate, auth.Dialogue) error

func (i interviewer) Interview(ctx context.Context, c auth.Candidate, ask auth.Dialogue) error {
	return i(ctx, c, ask)
}
