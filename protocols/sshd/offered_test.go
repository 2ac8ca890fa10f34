package sshd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/password"
	"sftpgo/protocols/auth"
)

// noted is the true check of logins; it keeps who has logged in.
type noted struct {
	*auth.Provider
	logins []string
}

func (n *noted) LoggedIn(_ context.Context, a auth.Attempt, id auth.Identity) {
	n.logins = append(n.logins, a.User+" "+id.User.Username+" "+id.Key)
}

func (*noted) LoginDone(string, error) {}

// as is the metadata of a connection whose client says that it is user.
type as struct {
	ssh.ConnMetadata
	user string
}

func (m as) User() string { return m.user }

func offeredKey(t *testing.T) (ssh.PublicKey, string, string) {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(ssh.MarshalAuthorizedKey(key)), ssh.FingerprintSHA256(key)
}

func newLogin(t *testing.T, users ...dataprovider.User) (*login, *noted) {
	t.Helper()
	store := memstore.New(memstore.Config{})
	t.Cleanup(func() { store.Close() })
	hasher := password.NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
	for _, u := range users {
		u.Status, u.HomeDir, u.Password, u.Permissions = 1, t.TempDir(), "secret", map[string][]string{"/": {"*"}}
		u, err := u.Prepared(t.Context(), "", hasher)
		if err == nil {
			_, err = store.Users().Put(t.Context(), u, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n := &noted{}
	n.Provider = auth.New(auth.Config{}, store, hasher, n, slog.New(slog.DiscardHandler))
	srv := &Server{logins: n, password: true, log: slog.New(slog.DiscardHandler)}
	return &login{srv: srv, ctx: t.Context(), remote: netip.MustParseAddr("192.0.2.7")}, n
}

// The client offers keys of two accounts in any order, under changing names, and
// signs with one of them: that key, and the account that it is in, is who it is.
func TestOfferedKeysAreNoIdentity(t *testing.T) {
	a, aLine, aPrint := offeredKey(t)
	b, bLine, bPrint := offeredKey(t)
	l, n := newLogin(t, dataprovider.User{Username: "alice", PublicKeys: []string{aLine, bLine}},
		dataprovider.User{Username: "bob", PublicKeys: []string{bLine}})
	alice, bob := as{user: "alice"}, as{user: "bob"}
	offer := func(meta as, key ssh.PublicKey) *ssh.Permissions {
		p, err := l.publicKey(meta, key)
		if (err == nil) != (p != nil) {
			t.Errorf("%s: %v, %v", meta.user, p, err)
		}
		return p
	}
	if p := offer(bob, a); p != nil {
		t.Error("bob with a key of alice")
	}
	aliceA, bobB, aliceB := offer(alice, a), offer(bob, b), offer(alice, b)
	offer(bob, a)
	for _, signed := range []struct {
		meta as
		key  ssh.PublicKey
		p    *ssh.Permissions
		want string
	}{
		{alice, a, aliceA, "alice alice " + aPrint},
		{bob, b, bobB, "bob bob " + bPrint},
		{alice, b, aliceB, "alice alice " + bPrint},
	} {
		n.logins = nil
		p, err := l.signed(signed.meta, signed.key, signed.p, "ssh-ed25519")
		if err != nil {
			t.Fatal(err)
		}
		id, err := identity(p)
		if err != nil || id.User.Username != signed.meta.user {
			t.Errorf("identity %q, %v", id.User.Username, err)
		}
		if diff := cmp.Diff([]string{signed.want}, n.logins); diff != "" {
			t.Errorf("logins (-want +got):\n%s", diff)
		}
	}
	if _, err := l.signed(alice, a, nil, "ssh-ed25519"); err == nil {
		t.Error("a signature without an offer")
	}
	if _, err := l.signed(bob, b, aliceB, "ssh-ed25519"); err == nil {
		t.Error("the offer of another name")
	}
}

// A key that was only offered is no first step.
func TestOfferedKeyIsNoStep(t *testing.T) {
	key, line, _ := offeredKey(t)
	single := []string{"publickey", "password", "keyboard-interactive"}
	l, _ := newLogin(t, dataprovider.User{Username: "alice", PublicKeys: []string{line},
		Filters: dataprovider.UserFilters{DeniedLoginMethods: single}},
		dataprovider.User{Username: "bob"})
	alice := as{user: "alice"}
	p, err := l.publicKey(alice, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity(p); !errors.Is(err, errNoIdentity) {
		t.Errorf("half a login is somebody: %v", err)
	}
	cfg := l.config()
	if _, err := cfg.PasswordCallback(alice, []byte("secret")); !errors.Is(err, auth.ErrRejected) {
		t.Errorf("the password before the signature: %v", err)
	}
	p, err = l.signed(alice, key, p, "ssh-ed25519")
	var partial *ssh.PartialSuccessError
	if !errors.As(err, &partial) || p != nil {
		t.Fatalf("after the signature: %v, %v", p, err)
	}
	if partial.Next.PublicKeyCallback != nil || partial.Next.KeyboardInteractiveCallback != nil {
		t.Error("the second step may be what is not offered")
	}
	if _, err := partial.Next.PasswordCallback(as{user: "bob"}, []byte("secret")); !errors.Is(err, auth.ErrRejected) {
		t.Errorf("the second step of somebody else: %v", err)
	}
	if _, err := cfg.PasswordCallback(alice, []byte("secret")); !errors.Is(err, auth.ErrRejected) {
		t.Errorf("a password alone, after the signature: %v", err)
	}
	p, err = partial.Next.PasswordCallback(alice, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := identity(p); err != nil || id.Method != "publickey+password" {
		t.Errorf("identity with method %q, %v", id.Method, err)
	}
}
