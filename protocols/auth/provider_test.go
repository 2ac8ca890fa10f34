package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

func TestPassword(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	id, err := f.password(t, "alice", "right")
	if err != nil {
		t.Fatal(err)
	}
	if id.User.Username != "alice" || id.Revision != 1 || id.Method != "password" {
		t.Errorf("identity %+v", id)
	}
	id, err = f.password(t, "alice", "wrong")
	wantRejected(t, id, err, "wrong password")
}

// Unknown user, wrong password and an account that may not log in compute the
// same number of hashes, and the client is told the same.
func TestDenialsCostTheSame(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	f.put(t, "disabled", func(u *dataprovider.User) { u.Status = 0 })
	f.put(t, "expired", func(u *dataprovider.User) { u.ExpirationDate = 1 })
	f.put(t, "elsewhere", func(u *dataprovider.User) { u.Filters.AllowedIP = []string{"198.51.100.0/24"} })
	f.put(t, "nossh", func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{"SSH"} })
	f.put(t, "nopassword", func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"password"} })
	f.put(t, "keyonly", func(u *dataprovider.User) { u.Password, u.PublicKeys = "", []string{keyLine(newSigner(t))} })
	f.put(t, "broken", func(u *dataprovider.User) { u.Password = "$argon2id$broken" })
	for _, c := range []struct{ user, plain, reason string }{
		{"alice", "wrong", "wrong password"},
		{"alice", "", "wrong password"},
		{"nobody", "right", "unknown user"},
		{"..", "right", "unknown user"},
		{"", "", "unknown user"},
		{"a\x00b", "right", "unknown user"},
		{"disabled", "right", "disabled"},
		{"disabled", "wrong", "wrong password"},
		{"expired", "right", "expired"},
		{"elsewhere", "right", "address 192.0.2.7"},
		{"nossh", "right", "protocol SSH"},
		{"nopassword", "right", "method password"},
		{"keyonly", "", "no password"},
		{"keyonly", "x", "no password"},
		{"broken", "right", "malformed"},
	} {
		for range 2 { // the second time nothing is known any better
			work := f.work(func() {
				id, err := f.password(t, c.user, c.plain)
				wantRejected(t, id, err, c.reason)
			})
			if work != 1 {
				t.Errorf("%q with %q: %d hashes", c.user, c.plain, work)
			}
		}
	}
	if n := len(f.records(t, "login")); n != 0 {
		t.Errorf("%d logins in the log", n)
	}
}

func TestVerifiedPasswordsAreRemembered(t *testing.T) {
	f := newFixture(t)
	f.put(t, "dav", nil)
	login := func(plain string) (work int, err error) {
		work = f.work(func() { _, err = f.password(t, "dav", plain) })
		return work, err
	}
	if work, err := login("right"); work != 1 || err != nil {
		t.Fatalf("first login: %d hashes, %v", work, err)
	}
	reads := f.store.reads
	for range 10 {
		if work, err := login("right"); work != 0 || err != nil {
			t.Errorf("known password: %d hashes, %v", work, err)
		}
	}
	if n := f.store.reads - reads; n != 10 {
		t.Errorf("the record was read %d times in 10 logins", n)
	}
	for range 2 {
		if work, err := login("wrong"); work != 1 || !errors.Is(err, auth.ErrRejected) {
			t.Errorf("wrong password: %d hashes, %v", work, err)
		}
	}
	// Each is a login of its own, and told as one. A WebDAV client logs in with
	// every request.
	if n := len(f.records(t, "login")); n != 11 {
		t.Errorf("%d login records, want 11", n)
	}
	request := attempt("dav", auth.Password("right"))
	request.Protocol = dataprovider.ProtocolDAV
	for range 10 {
		if _, err := f.Authenticate(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.records(t, "login")); n > 12 {
		t.Errorf("%d login records after ten requests, want at most one more", n)
	}

	// Any change takes effect at once.
	f.put(t, "dav", func(u *dataprovider.User) { u.Status = 0 })
	if work, err := login("right"); work != 1 || !errors.Is(err, auth.ErrRejected) {
		t.Errorf("disabled: %d hashes, %v", work, err)
	}
	f.put(t, "dav", nil)
	if work, err := login("right"); work != 1 || err != nil {
		t.Errorf("enabled again: %d hashes, %v", work, err)
	}
	f.put(t, "dav", func(u *dataprovider.User) { u.Password = "new" })
	if work, err := login("right"); work != 1 || !errors.Is(err, auth.ErrRejected) {
		t.Errorf("old password: %d hashes, %v", work, err)
	}

	// A new account of the same name and the same revision is another one.
	f.put(t, "tmp", nil)
	if _, err := f.password(t, "tmp", "right"); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Users().Delete(t.Context(), "tmp"); err != nil {
		t.Fatal(err)
	}
	f.put(t, "tmp", func(u *dataprovider.User) { u.Password = "other" })
	id, err := f.password(t, "tmp", "right")
	wantRejected(t, id, err, "wrong password")
}

func TestPublicKey(t *testing.T) {
	f := newFixture(t)
	a, b, stranger := newSigner(t), newSigner(t), newSigner(t)
	f.put(t, "alice", func(u *dataprovider.User) {
		u.Password = ""
		u.PublicKeys = []string{keyLine(a) + " a@pc", `no-pty,command="true" ` + keyLine(b)}
	})
	f.put(t, "bob", func(u *dataprovider.User) { u.PublicKeys = []string{keyLine(stranger)} })
	f.put(t, "disabled", func(u *dataprovider.User) { u.Status, u.PublicKeys = 0, []string{keyLine(a)} })
	f.put(t, "nokeys", func(u *dataprovider.User) {
		u.PublicKeys, u.Filters.DeniedLoginMethods = []string{keyLine(a)}, []string{"publickey"}
	})
	for _, key := range []ssh.Signer{a, b} {
		for range 2 {
			id, err := f.Authenticate(t.Context(), attempt("alice", blob(key)))
			if err != nil {
				t.Fatal(err)
			}
			if id.User.Username != "alice" || id.Method != "publickey" || id.Revision != 1 {
				t.Errorf("identity %+v", id)
			}
		}
	}
	for _, c := range []struct {
		user   string
		blob   auth.PublicKey
		reason string
	}{
		{"alice", blob(stranger), "not among those of the account"},
		{"nobody", blob(a), "unknown user"},
		{"disabled", blob(a), "disabled"},
		{"nokeys", blob(a), "method publickey"},
		{"alice", nil, "unreadable"},
		{"alice", blob(a)[:20], "unreadable"},
		{"alice", append(blob(a), 0), "unreadable"},
	} {
		id, err := f.Authenticate(t.Context(), attempt(c.user, c.blob))
		wantRejected(t, id, err, c.reason)
	}
	// Keys are only asked about: nothing is noted before the signature.
	if len(f.metrics) != 0 || len(f.store.logins) != 0 || len(f.records(t, "login"))+len(f.records(t, "connection_failed")) != 0 {
		t.Errorf("offered keys left traces: %q %q\n%s", f.metrics, f.store.logins, f.log)
	}
	warnings := f.records(t, "auth")
	if len(warnings) != 1 || !strings.Contains(warnings[0], "no effect: no-pty command") {
		t.Errorf("warnings of options: %q, want one", warnings)
	}
}

func TestPublicKeyOptions(t *testing.T) {
	f := newFixture(t)
	key := newSigner(t)
	for name, c := range map[string]struct {
		options []string // of each line that has the key
		reason  string   // empty: let in
	}{
		"here":            {[]string{`from="192.0.2.0/24"`}, ""},
		"elsewhere":       {[]string{`from="198.51.100.0/24"`}, "may not be used from address 192.0.2.7"},
		"expired":         {[]string{`expiry-time="20200101Z"`}, "key expired"},
		"later":           {[]string{`expiry-time="20990101Z"`}, ""},
		"one line of two": {[]string{`expiry-time="20200101Z"`, `from="192.0.2.7"`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f.put(t, "alice", func(u *dataprovider.User) {
				for _, o := range c.options {
					u.PublicKeys = append(u.PublicKeys, o+" "+keyLine(key))
				}
			})
			id, err := f.Authenticate(t.Context(), attempt("alice", blob(key)))
			if c.reason != "" {
				wantRejected(t, id, err, c.reason)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoCredential(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	id, err := f.Authenticate(t.Context(), attempt("alice", nil))
	wantRejected(t, id, err, "no credential")
}

func TestStoreUnavailable(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	f.store.err = errors.New("disk on fire")
	for _, c := range []auth.Credential{auth.Password("right"), blob(newSigner(t))} {
		id, err := f.Authenticate(t.Context(), attempt("alice", c))
		if !errors.Is(err, dataprovider.ErrUnavailable) || errors.Is(err, auth.ErrRejected) || id.User.Username != "" {
			t.Errorf("%T: %+v, %v", c, id, err)
		}
	}
	if n := len(f.records(t, "connection_failed")); n != 0 {
		t.Error("a fault of the store is held against the client")
	}
	if r := f.records(t, "dataprovider"); len(r) != 1 || !strings.Contains(r[0], "disk on fire") {
		t.Errorf("log of the store: %q", r)
	}
}

// A verifier that cannot answer is a denial, but not an offence.
func TestCancelled(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id, err := f.Authenticate(ctx, attempt("alice", auth.Password("right")))
	wantRejected(t, id, err, "context canceled")
	id, err = f.Authenticate(ctx, attempt("nobody", auth.Password("right")))
	wantRejected(t, id, err, "unknown user")
	if n := len(f.records(t, "connection_failed")); n != 0 {
		t.Error("a client that went away is held to have failed")
	}
}

func TestRemoteAddressDecides(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.Filters.DeniedIP = []string{"203.0.113.0/24"} })
	a := attempt("alice", auth.Password("right"))
	if _, err := f.Authenticate(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	// The password is known to be right by now; the address is looked at still,
	// and the refusal costs what others cost.
	a.Remote = netip.MustParseAddr("::ffff:203.0.113.5")
	work := f.work(func() {
		id, err := f.Authenticate(t.Context(), a)
		wantRejected(t, id, err, "203.0.113.5 is denied")
	})
	if work != 1 {
		t.Errorf("%d hashes", work)
	}
}

func TestConcurrentLogins(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			plain := "right"
			if i%2 == 1 {
				plain = "wrong"
			}
			_, err := f.Authenticate(context.Background(), attempt("alice", auth.Password(plain)))
			if (err == nil) != (plain == "right") {
				t.Errorf("%s: %v", plain, err)
			}
		})
	}
	wg.Wait()
}

func TestRecords(t *testing.T) {
	f := newFixture(t)
	key := newSigner(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.PublicKeys = []string{keyLine(key) + " a@pc"} })
	f.password(t, "alice", "wrong")
	f.password(t, "alice", "right")
	a := attempt("alice", blob(key))
	id, err := f.Authenticate(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	f.LoggedIn(t.Context(), a, id)
	f.LoginFailed(t.Context(), attempt("", nil), errors.New("left without a login"))

	want := []string{
		`"level":"INFO","msg":"","sender":"connection_failed","client_ip":"192.0.2.7","username":"alice","login_type":"password","protocol":"SSH","error":"login refused: wrong password"}`,
		`"level":"INFO","msg":"","sender":"login","ip":"192.0.2.7","username":"alice","method":"password","protocol":"SSH"}`,
		`"level":"INFO","msg":"","sender":"login","ip":"192.0.2.7","username":"alice","method":"publickey","protocol":"SSH","key":"` + ssh.FingerprintSHA256(key.PublicKey()) + `:a@pc"}`,
		`"level":"INFO","msg":"","sender":"connection_failed","client_ip":"192.0.2.7","username":"","login_type":"no_auth_tryed","protocol":"SSH","error":"left without a login"}`,
	}
	var got []string
	for line := range strings.Lines(f.log.String()) {
		_, line, _ := strings.Cut(strings.TrimSpace(line), ",") // the time
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"password failed", "password ok", "publickey ok", "no_auth_tryed failed"}, f.metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if strings.Contains(f.log.String(), "wrong\"") || strings.Contains(f.log.String(), "right") {
		t.Error("a password is in the log")
	}
}

// A name that no account can have, of any length, must not fill the log.
func TestLongNamesAreCut(t *testing.T) {
	f := newFixture(t)
	_, err := f.password(t, strings.Repeat("ü", 20_000), "x")
	wantRejected(t, auth.Identity{}, err, "unknown user")
	records := f.records(t, "connection_failed")
	if len(records) != 1 || len(records[0]) > 1000 || !strings.Contains(records[0], "üü…") {
		t.Errorf("%d records, the first of %d bytes", len(records), len(records[0]))
	}
}

// What an identity may begin later is decided by the record of then.
func TestRecheck(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	id, err := f.password(t, "alice", "right")
	if err != nil {
		t.Fatal(err)
	}
	recheck := func() error {
		return f.Recheck(t.Context(), dataprovider.ProtocolSSH, netip.MustParseAddr("192.0.2.7"), id)
	}
	if err := recheck(); err != nil {
		t.Error(err)
	}
	good := f.store.users["alice"]
	for reason, change := range map[string]func(*dataprovider.User){
		"disabled":          func(u *dataprovider.User) { u.Status = 0 },
		"expired":           func(u *dataprovider.User) { u.ExpirationDate = 1 },
		"protocol SSH":      func(u *dataprovider.User) { u.Filters.DeniedProtocols = []string{"SSH"} },
		"method password":   func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"password"} },
		"address 192.0.2.7": func(u *dataprovider.User) { u.Filters.DeniedIP = []string{"192.0.2.0/24"} },
		"another account":   func(u *dataprovider.User) { u.ID++ },
	} {
		u := good
		change(&u)
		f.store.users["alice"] = u
		wantRejected(t, auth.Identity{}, recheck(), reason)
	}
	delete(f.store.users, "alice")
	wantRejected(t, auth.Identity{}, recheck(), "unknown user")
}
