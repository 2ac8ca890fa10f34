package auth_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

func TestVerifiedPasswordIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		want := 1
		for range 2 {
			for range 3 { // use does not prolong
				work := f.work(func() {
					if _, err := f.password(t, "alice", "right"); err != nil {
						t.Error(err)
					}
				})
				if work != want {
					t.Errorf("%d hashes, want %d", work, want)
				}
				want = 0
				time.Sleep(100 * time.Second)
			}
			want = 1
		}
	})
}

func TestLastLoginIsWrittenSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		f.put(t, "bob", func(u *dataprovider.User) { u.Password = "right" })
		for range 7 { // at 0, 6, 12 ... 36 minutes, remembered for 5
			for _, user := range []string{"alice", "bob"} {
				if _, err := f.password(t, user, "right"); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(6 * time.Minute)
		}
		if n := len(f.store.logins); n != 2*4 { // at 0, 12, 24 and 36 minutes
			t.Errorf("%d writes: %q", n, f.store.logins)
		}
	})
}

func TestExpiryWithoutChangeOfRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", func(u *dataprovider.User) { u.ExpirationDate = time.Now().Add(time.Minute).UnixMilli() })
		if _, err := f.password(t, "alice", "right"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		id, err := f.password(t, "alice", "right")
		wantRejected(t, id, err, "expired")
	})
}

// TestDAVLoginIsNotedPerAddress: a client of WebDAV logs in with every request, which
// is noted once in a while; a login from elsewhere, or over another protocol, is
// another one, whether or not the password is known to be right.
func TestDAVLoginIsNotedPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		notes := func(protocol, address string) int {
			t.Helper()
			before := len(f.records(t, "login"))
			for range 3 {
				a := auth.Attempt{Protocol: protocol, Remote: netip.MustParseAddr(address), User: "alice", Credential: auth.Password("right")}
				if _, err := f.Authenticate(t.Context(), a); err != nil {
					t.Error(err)
				}
			}
			return len(f.records(t, "login")) - before
		}
		for _, step := range []struct {
			protocol, address string
			want              int
		}{
			{"SSH", "192.0.2.1", 3}, {"DAV", "192.0.2.1", 1}, {"DAV", "192.0.2.1", 0}, {"DAV", "192.0.2.2", 1}, {"FTP", "192.0.2.2", 3},
		} {
			if got := notes(step.protocol, step.address); got != step.want {
				t.Errorf("%s from %s: %d records, want %d", step.protocol, step.address, got, step.want)
			}
		}
		time.Sleep(6 * time.Minute)
		if got := notes("DAV", "192.0.2.1"); got != 1 {
			t.Errorf("after a while: %d records", got)
		}
	})
}
