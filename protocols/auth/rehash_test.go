package auth_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// md5crypt of "s3cret pass", by libcrypt.
const foreignHash = "$1$abcdefgh$yUi22Wh0AmKpErdRTSZwv1"

func TestStaleHashIsRenewed(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.Password = foreignHash })
	stored := func() string { return f.store.users["alice"].Password }
	if _, err := f.password(t, "alice", "s3cret pass"); err != nil || stored() != foreignHash {
		t.Errorf("without a rehasher: %v, %q", err, stored())
	}
	f.use(auth.Config{Rehasher: f.passwords.Hasher})
	if _, err := f.password(t, "alice", "wrong"); err == nil || stored() != foreignHash {
		t.Errorf("wrong password: %v, %q", err, stored())
	}
	id, err := f.password(t, "alice", "s3cret pass")
	if err != nil || !strings.HasPrefix(stored(), "$argon2id$") || id.User.Password != stored() || id.Revision != 2 {
		t.Errorf("%v: stored %q, identity with %q, revision %d", err, stored(), id.User.Password, id.Revision)
	}
	// What was just verified is remembered, and good hashes are left alone.
	if work := f.work(func() { id, err = f.password(t, "alice", "s3cret pass") }); work != 0 || err != nil || id.Revision != 2 {
		t.Errorf("%d hashes, %v, revision %d", work, err, id.Revision)
	}
	f.use(auth.Config{Rehasher: f.passwords.Hasher})
	if id, err = f.password(t, "alice", "s3cret pass"); err != nil || id.Revision != 2 {
		t.Errorf("%v, revision %d", err, id.Revision)
	}
}

// An account that may not log in keeps its hash.
func TestStaleHashOfRefusedLogin(t *testing.T) {
	f := newFixture(t)
	f.use(auth.Config{Rehasher: f.passwords.Hasher})
	f.put(t, "alice", func(u *dataprovider.User) { u.Password, u.Status = foreignHash, 0 })
	id, err := f.password(t, "alice", "s3cret pass")
	wantRejected(t, id, err, "disabled")
	if got := f.store.users["alice"].Password; got != foreignHash {
		t.Errorf("stored %q", got)
	}
}

// A login does not fail because somebody changed the record meanwhile, and does
// not undo that.
func TestStaleHashOfChangedRecord(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.Password = foreignHash })
	f.use(auth.Config{Rehasher: changing{f}})
	if _, err := f.password(t, "alice", "s3cret pass"); err != nil {
		t.Fatal(err)
	}
	if got := f.store.users["alice"]; got.Password != foreignHash || got.Description != "changed" {
		t.Errorf("stored %q, %q", got.Password, got.Description)
	}
}

// changing changes the record while it hashes.
type changing struct{ f *fixture }

func (c changing) Stale(stored string) bool { return c.f.passwords.Stale(stored) }

func (c changing) Hash(ctx context.Context, plain string) (string, error) {
	u, rev, err := c.f.store.Users().Get(ctx, "alice")
	if err != nil {
		return "", err
	}
	u.Description = "changed"
	if _, err := c.f.store.Users().Put(ctx, u, rev); err != nil {
		return "", err
	}
	return c.f.passwords.Hash(ctx, plain)
}

// paced takes longer for hashes that begin with "$2".
type paced struct{}

func (paced) Verify(_ context.Context, stored, plain string) (bool, error) {
	if strings.HasPrefix(stored, "$2") {
		time.Sleep(300 * time.Millisecond)
	} else {
		time.Sleep(50 * time.Millisecond)
	}
	return plain == "right", nil
}

func (paced) VerifyDummy(context.Context, string) error {
	time.Sleep(50 * time.Millisecond)
	return nil
}

// However the hash of an account is made, a denial takes the same time: that of
// the slowest that the server has met.
func TestDenialsTakeTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		f.put(t, "bcrypt", func(u *dataprovider.User) {
			u.Password = "$2a$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv."
		})
		f.put(t, "disabled", func(u *dataprovider.User) { u.Status = 0 })
		f.put(t, "keys", func(u *dataprovider.User) { u.Password, u.PublicKeys = "", []string{keyLine(newSigner(t))} })
		p := auth.New(auth.Config{}, f.store, paced{}, f, discard())
		took := func(user, plain string) time.Duration {
			start := time.Now()
			id, err := p.Authenticate(t.Context(), attempt(user, auth.Password(plain)))
			wantRejected(t, id, err, "")
			return time.Since(start)
		}
		if d := took("alice", "wrong"); d != 50*time.Millisecond {
			t.Errorf("before anything slower was met: %v", d)
		}
		took("bcrypt", "wrong")
		for _, c := range [][2]string{
			{"alice", "wrong"}, {"bcrypt", "wrong"}, {"disabled", "right"}, {"disabled", "wrong"}, {"keys", "x"}, {"nobody", "x"}, {"..", "x"},
		} {
			if d := took(c[0], c[1]); d != 300*time.Millisecond {
				t.Errorf("%s with %q: %v", c[0], c[1], d)
			}
		}
		start := time.Now()
		if _, err := p.Authenticate(t.Context(), attempt("alice", auth.Password("right"))); err != nil || time.Since(start) != 50*time.Millisecond {
			t.Errorf("a good login: %v after %v", err, time.Since(start))
		}
	})
}
