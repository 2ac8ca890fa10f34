package auth_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
	"sftpgo/protocols/auth"
)

// fakeStore holds users in a map and notes logins; the outbox is not used.
type fakeStore struct {
	dataprovider.Store
	mu     sync.Mutex
	users  map[string]dataprovider.User
	revs   map[string]dataprovider.Revision
	logins []string
	err    error // what every call returns
	reads  int
}

func (s *fakeStore) Users() dataprovider.Collection[dataprovider.User] { return fakeUsers{s} }
func (s *fakeStore) Usage() dataprovider.Usage                         { return fakeUsage{s: s} }

type fakeUsers struct{ s *fakeStore }

func (c fakeUsers) Get(_ context.Context, name string) (dataprovider.User, dataprovider.Revision, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.reads++
	if c.s.err != nil {
		return dataprovider.User{}, 0, c.s.err
	}
	u, ok := c.s.users[name]
	if !ok {
		return dataprovider.User{}, 0, dataprovider.ErrNotFound
	}
	return u, c.s.revs[name], nil
}

func (c fakeUsers) List(context.Context, string) iter.Seq2[dataprovider.User, error] { panic("unused") }

// Put takes any record at revision 0, which keeps the tests short.
func (c fakeUsers) Put(_ context.Context, u dataprovider.User, rev dataprovider.Revision) (dataprovider.Revision, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if rev != 0 && rev != c.s.revs[u.Username] {
		return 0, dataprovider.ErrConflict
	}
	c.s.users[u.Username] = u
	c.s.revs[u.Username]++
	return c.s.revs[u.Username], nil
}

func (c fakeUsers) Delete(_ context.Context, name string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.users, name)
	delete(c.s.revs, name)
	return nil
}

type fakeUsage struct {
	dataprovider.Usage
	s *fakeStore
}

func (f fakeUsage) Login(_ context.Context, owner string, _ time.Time) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.err != nil {
		return f.s.err
	}
	f.s.logins = append(f.s.logins, owner)
	return nil
}

// countingPasswords counts the hashes that are computed.
type countingPasswords struct {
	*password.Hasher
	mu   sync.Mutex
	work int
}

func (p *countingPasswords) Verify(ctx context.Context, stored, plain string) (bool, error) {
	p.count()
	return p.Hasher.Verify(ctx, stored, plain)
}

func (p *countingPasswords) VerifyDummy(ctx context.Context, plain string) error {
	p.count()
	return p.Hasher.VerifyDummy(ctx, plain)
}

func (p *countingPasswords) count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work++
}

// fixture is a Provider and what it does to the world.
type fixture struct {
	*auth.Provider
	store     *fakeStore
	passwords *countingPasswords
	log       *bytes.Buffer
	metrics   []string
	mu        sync.Mutex
}

func (f *fixture) LoginDone(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	result := "ok"
	if err != nil {
		result = "failed"
	}
	f.metrics = append(f.metrics, method+" "+result)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		store: &fakeStore{users: map[string]dataprovider.User{}, revs: map[string]dataprovider.Revision{}},
		passwords: &countingPasswords{Hasher: password.NewHasher(
			dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})},
		log: &bytes.Buffer{},
	}
	f.use(auth.Config{})
	return f
}

// use starts over with another configuration, on the same store.
func (f *fixture) use(cfg auth.Config) {
	log := slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.Provider = auth.New(cfg, f.store, f.passwords, f, log)
}

// put stores a valid record after change.
func (f *fixture) put(t *testing.T, name string, change func(*dataprovider.User)) {
	t.Helper()
	u := dataprovider.User{
		Username: name, Status: 1, HomeDir: "/srv/" + name, Password: "right",
		Permissions: map[string][]string{"/": {"*"}},
	}
	if change != nil {
		change(&u)
	}
	u, err := u.Prepared(t.Context(), "", f.passwords)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Users().Put(t.Context(), u, 0); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) password(t *testing.T, user, plain string) (auth.Identity, error) {
	t.Helper()
	return f.Authenticate(t.Context(), attempt(user, auth.Password(plain)))
}

func attempt(user string, c auth.Credential) auth.Attempt {
	return auth.Attempt{Protocol: dataprovider.ProtocolSSH, Remote: netip.MustParseAddr("192.0.2.7"), User: user, Credential: c}
}

// work returns how many hashes do computes.
func (f *fixture) work(do func()) int {
	before := f.passwords.work
	do()
	return f.passwords.work - before
}

// records returns the log lines of a sender.
func (f *fixture) records(t *testing.T, sender string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(f.log.String()) {
		var r struct{ Sender string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Sender == sender {
			found = append(found, line)
		}
	}
	return found
}

func wantRejected(t *testing.T, id auth.Identity, err error, reason string) {
	t.Helper()
	if !errors.Is(err, auth.ErrRejected) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want a rejection with %q", err, reason)
	}
	if id.User.Username != "" || id.Revision != 0 || id.Method != "" {
		t.Errorf("a refused login has an identity: %+v", id)
	}
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func keyLine(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}

func blob(s ssh.Signer) auth.PublicKey { return auth.PublicKey(slices.Clone(s.PublicKey().Marshal())) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
