package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
	"sftpgo/dataprovider/sqlstore"
)

// userRig runs user commands in process, against a database of its own.
type userRig struct {
	t      *testing.T
	config dataprovider.Config
}

func newUserRig(t *testing.T) *userRig {
	t.Helper()
	cfg := dataprovider.DefaultConfig()
	cfg.Name = filepath.Join(t.TempDir(), "users.db")
	cfg.UsersBaseDir = "/srv/homes"
	cfg.PasswordHashing.Argon2Options = dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1}
	return &userRig{t: t, config: cfg}
}

func (r *userRig) open(ctx context.Context) (dataprovider.Store, dataprovider.Config, error) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: r.config.Name})
	return store, r.config, err
}

// run returns what the command wrote.
func (r *userRig) run(stdin string, args ...string) (stdout, stderr string, err error) {
	r.t.Helper()
	var out, errOut bytes.Buffer
	cmd := newUserCommand(r.open)
	cmd.SilenceErrors = true
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	err = cmd.ExecuteContext(r.t.Context())
	return out.String(), errOut.String(), err
}

func (r *userRig) must(stdin string, args ...string) string {
	r.t.Helper()
	out, stderr, err := r.run(stdin, args...)
	if err != nil {
		r.t.Fatalf("user %s: %v", strings.Join(args, " "), err)
	}
	if stderr != "" {
		r.t.Errorf("user %s wrote to stderr: %s", strings.Join(args, " "), stderr)
	}
	return out
}

// fails wants one line that contains the text, and nothing else.
func (r *userRig) fails(want, stdin string, args ...string) error {
	r.t.Helper()
	out, stderr, err := r.run(stdin, args...)
	switch {
	case err == nil:
		r.t.Errorf("user %s: no error, want %q", strings.Join(args, " "), want)
		return nil
	case !strings.Contains(err.Error(), want) || strings.Count(err.Error(), `user "`) > 1 || strings.Contains(err.Error(), "\n"):
		r.t.Errorf("user %s: %q, want one line with %q", strings.Join(args, " "), err, want)
	case out != "" || strings.Contains(stderr, "Usage:"):
		r.t.Errorf("user %s wrote %q, %q", strings.Join(args, " "), out, stderr)
	}
	return err
}

// stored reads a record past the commands.
func (r *userRig) stored(name string) dataprovider.User {
	r.t.Helper()
	store, _, err := r.open(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	defer store.Close()
	u, _, err := store.Users().Get(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

func (r *userRig) wantPassword(name, plain string) {
	r.t.Helper()
	h := password.NewHasher(r.config.PasswordHashing.Argon2Options)
	if ok, err := h.Verify(r.t.Context(), r.stored(name).Password, plain); !ok || err != nil {
		r.t.Errorf("%q is not the password of %s: %v", plain, name, err)
	}
}

// newKeyPair writes a key pair and returns the public line and both files.
func newKeyPair(t *testing.T) (line, public, private string) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	line = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " me@pc"
	private = filepath.Join(t.TempDir(), "id")
	public = private + ".pub"
	for name, data := range map[string][]byte{private: pem.EncodeToMemory(block), public: []byte("# mine\n\n" + line + "\n")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return line, public, private
}
