package main

import (
	"fmt"
	"os"
	"strings"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/auth/keyboard"
)

// addLogins is all that a client from the network may log in with.
func (s *server) addLogins(dir string) error {
	ssh := &s.cfg.SFTPD
	var err error
	if s.trust, err = auth.LoadAuthorities(dir, ssh.TrustedUserCAKeys, ssh.RevokedUserCertsFile); err != nil {
		return fmt.Errorf("sftpd.%w", err)
	}
	cfg := auth.Config{Authorities: s.trust}
	if hook := ssh.KeyboardInteractiveAuthHook; hook != "" {
		cfg.Interviewer, err = s.interviewer(hook)
		// A hook that cannot be asked must not become the password alone.
		ssh.KeyboardInteractiveAuthentication = err == nil
		if err != nil {
			s.log.Warn("sftpd.keyboard_interactive_auth_hook cannot be used: the login method is off", "sender", "serve", "error", err)
		}
	}
	if s.cfg.DataProvider.Driver != dataprovider.DriverMemory {
		// What the memory store holds is a file's, which would put the old hash back.
		cfg.Rehasher = s.hasher()
	}
	s.logins = auth.New(cfg, s.store, s.hasher(), s.metrics, s.log)
	return nil
}

func (s *server) interviewer(hook string) (auth.Interviewer, error) {
	if strings.HasPrefix(hook, "http") {
		e, err := keyboard.NewEndpoint(s.http.Single(), hook)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", actions.RedactURL(hook), err)
		}
		return e, nil
	}
	if err := execsink.Check(hook); err != nil {
		return nil, err
	}
	return keyboard.NewProgram(hook, execsink.Environment(os.Environ())), nil
}

func (s *server) hasher() *password.Hasher {
	return password.NewHasher(s.cfg.DataProvider.PasswordHashing.Argon2Options)
}
