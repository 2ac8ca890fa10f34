package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// twoSteps is a record that only logins in two steps let in.
func twoSteps(key ssh.Signer, denied ...string) func(*dataprovider.User) {
	return func(u *dataprovider.User) {
		u.PublicKeys = []string{keyLine(key)}
		u.Filters.DeniedLoginMethods = append([]string{"publickey", "password", "keyboard-interactive"}, denied...)
	}
}

// firstStep does the first step and returns what is needed for the second.
func (f *fixture) firstStep(t *testing.T, user string, key ssh.Signer) *auth.Incomplete {
	t.Helper()
	id, err := f.Authenticate(t.Context(), attempt(user, blob(key)))
	var first *auth.Incomplete
	if !errors.As(err, &first) {
		t.Fatalf("first step: %v", err)
	}
	if id.User.Username != "" || errors.Is(err, auth.ErrRejected) {
		t.Errorf("half a login has an identity: %+v, %v", id, err)
	}
	return first
}

func second(user string, c auth.Credential, first *auth.Incomplete) auth.Attempt {
	a := attempt(user, c)
	a.First = first
	return a
}

// answers is a Dialogue with a client that gives them in order.
func answers(texts ...string) auth.Dialogue {
	return func(_ context.Context, _ string, questions []auth.Question) ([]string, error) {
		if len(questions) > len(texts) {
			return nil, errors.New("no answer left")
		}
		given := texts[:len(questions)]
		texts = texts[len(questions):]
		return given, nil
	}
}

func TestTwoSteps(t *testing.T) {
	f, key := newFixture(t), newSigner(t)
	f.put(t, "alice", twoSteps(key))
	f.put(t, "keyboard", twoSteps(key, "publickey+password"))
	f.put(t, "bob", twoSteps(key))
	for method, c := range map[string]auth.Credential{
		"publickey+password":             auth.Password("right"),
		"publickey+keyboard-interactive": answers("right"),
	} {
		first := f.firstStep(t, "alice", key)
		if diff := cmp.Diff([]string{"password", "keyboard-interactive"}, first.Next); diff != "" {
			t.Errorf("next steps: %s", diff)
		}
		id, err := f.Authenticate(t.Context(), second("alice", c, first))
		if err != nil {
			t.Fatal(err)
		}
		if id.Method != method || id.User.Username != "alice" || id.Key != ssh.FingerprintSHA256(key.PublicKey()) {
			t.Errorf("identity: method %q, user %q, key %q", id.Method, id.User.Username, id.Key)
		}
		if err := f.Recheck(t.Context(), dataprovider.ProtocolSSH, netip.MustParseAddr("192.0.2.7"), id); err != nil {
			t.Errorf("recheck: %v", err)
		}
	}
	for name, c := range map[string]struct {
		a      auth.Attempt
		reason string
	}{
		"wrong password":         {second("alice", auth.Password("wrong"), f.firstStep(t, "alice", key)), "wrong password"},
		"wrong answer":           {second("alice", answers("wrong"), f.firstStep(t, "alice", key)), "wrong password"},
		"somebody else":          {second("bob", auth.Password("right"), f.firstStep(t, "alice", key)), "another account"},
		"unknown":                {second("nobody", auth.Password("right"), f.firstStep(t, "alice", key)), "unknown user"},
		"second step first":      {attempt("alice", auth.Password("right")), "method password"},
		"key twice":              {second("alice", blob(key), f.firstStep(t, "alice", key)), "no second step"},
		"password is denied":     {second("keyboard", auth.Password("right"), f.firstStep(t, "keyboard", key)), "publickey+password is denied"},
		"other protocol":         {auth.Attempt{Protocol: "FTP", Remote: netip.MustParseAddr("192.0.2.7"), User: "alice", Credential: auth.Password("right")}, "method password"},
		"incomplete of nothing":  {second("alice", auth.Password("right"), &auth.Incomplete{}), "another account"},
		"keyboard, single, deny": {attempt("keyboard", answers("right")), "method keyboard-interactive"},
	} {
		t.Run(name, func(t *testing.T) {
			work := f.work(func() {
				id, err := f.Authenticate(t.Context(), c.a)
				wantRejected(t, id, err, c.reason)
			})
			if work != 1 && name != "key twice" {
				t.Errorf("%d hashes", work)
			}
		})
	}
}

// What the first step rests on must still hold at the second.
func TestFirstStepIsLookedAtAgain(t *testing.T) {
	f, key := newFixture(t), newSigner(t)
	f.put(t, "alice", twoSteps(key))
	first := f.firstStep(t, "alice", key)
	f.put(t, "alice", twoSteps(newSigner(t)))
	id, err := f.Authenticate(t.Context(), second("alice", auth.Password("right"), first))
	wantRejected(t, id, err, "first step")

	f.put(t, "alice", twoSteps(key))
	first = f.firstStep(t, "alice", key)
	u := f.store.users["alice"]
	u.ID++
	f.store.users["alice"] = u
	id, err = f.Authenticate(t.Context(), second("alice", auth.Password("right"), first))
	wantRejected(t, id, err, "another account")
}

// The restrictions of the certificate hold after the second step.
func TestTwoStepsWithCertificate(t *testing.T) {
	f, ca, key := newFixture(t), newSigner(t), newSigner(t)
	f.trusting(t, ca.PublicKey(), "")
	f.put(t, "alice", twoSteps(newSigner(t)))
	cert := newCertificate(t, ca, key.PublicKey(), func(c *ssh.Certificate) {
		c.CriticalOptions["force-command"] = "internal-sftp"
		c.CriticalOptions["source-address"] = "192.0.2.7"
	})
	_, err := f.Authenticate(t.Context(), attempt("alice", auth.PublicKey(cert.Marshal())))
	var first *auth.Incomplete
	if !errors.As(err, &first) {
		t.Fatal(err)
	}
	id, err := f.Authenticate(t.Context(), second("alice", auth.Password("right"), first))
	if err != nil || id.ForceCommand != "internal-sftp" || !strings.Contains(id.Key, "serial 7") {
		t.Errorf("%v: command %q, key %q", err, id.ForceCommand, id.Key)
	}
	a := second("alice", auth.Password("right"), first)
	a.Remote = netip.MustParseAddr("192.0.2.8")
	id, err = f.Authenticate(t.Context(), a)
	wantRejected(t, id, err, "address 192.0.2.8")
}

// A key of an account that no first step would help is refused at once.
func TestNoSecondStep(t *testing.T) {
	f, key := newFixture(t), newSigner(t)
	for name, c := range map[string]struct {
		change func(*dataprovider.User)
		reason string
	}{
		"both denied": {twoSteps(key, "publickey+password", "publickey+keyboard-interactive"), "method publickey"},
		"disabled":    {func(u *dataprovider.User) { twoSteps(key)(u); u.Status = 0 }, "disabled"},
		"elsewhere":   {func(u *dataprovider.User) { twoSteps(key)(u); u.Filters.DeniedIP = []string{"192.0.2.0/24"} }, "address"},
		"password will do": {func(u *dataprovider.User) {
			u.PublicKeys, u.Filters.DeniedLoginMethods = []string{keyLine(key)}, []string{"publickey", "keyboard-interactive"}
		}, "method publickey"},
	} {
		f.put(t, "alice", c.change)
		id, err := f.Authenticate(t.Context(), attempt("alice", blob(key)))
		t.Log(name)
		wantRejected(t, id, err, c.reason)
	}
}
